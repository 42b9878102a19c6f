"""Worker processes for trials: forked off a process that has imported all, so that one starts in some milliseconds.

Run as a program, this module is that process: it reads an order a line, as JSON, and answers each with a line.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from batchctl import cli, failpoint
from batchctl.gateways.network import tls_context

ROOT = Path(__file__).parents[2]
WAIT_S = 30.0
"""A worker that lives longer than it should is a failure of the trial."""
LOOK_S = 0.002


@dataclass(frozen=True, slots=True)
class Worker:
    """One process of batchctl."""

    nursery: "Nursery"
    pid: int
    said: Path
    """What it wrote to both streams."""

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens when it has ended by itself."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, timeout_s: float = WAIT_S) -> int:
        """Return its exit code, negative for the signal that ended it; AssertionError when it does not end."""
        code = self.nursery.ask({"wait": self.pid, "timeout_s": timeout_s})
        assert code is not None, f"a worker still runs after {timeout_s} s: {self.said.read_text()}"
        return int(code)


class Nursery:
    """Starts workers. They end with it."""

    def __init__(self, directory: Path) -> None:
        """Import what workers need, once; what they say is written into `directory`."""
        self._directory = directory
        command = [sys.executable, "-m", "tests.faults.workers"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env={}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        """Give the nursery itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill every worker that still runs, and end."""
        with self._process:
            _pipe(self._process.stdin).close()

    def start(self, environment: dict[str, str], *arguments: str) -> Worker:
        """Start `batchctl ARGUMENTS`, with this environment and nothing else set."""
        said = self._directory / f"worker-{time.monotonic_ns()}"
        pid = self.ask({"arguments": arguments, "environment": environment, "said": str(said)})
        return Worker(self, int(pid), said)

    def ask(self, order: dict[str, Any]) -> Any:
        """Send an order and return the answer."""
        print(json.dumps(order), file=_pipe(self._process.stdin), flush=True)
        return json.loads(_pipe(self._process.stdout).readline())


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def _raise_children() -> None:
    """Do as ordered until there are no more orders."""
    import_module("batchctl.gateways.transport")
    tls_context(None)
    with redirect_stderr(StringIO()):
        cli.main(["run-once"])  # Without a database it comes to nothing, having imported everything.
    gc.freeze()  # What children share is not touched by their collections.
    children: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = _wait(order["wait"], order["timeout_s"])
            if answer is not None:
                children.discard(order["wait"])  # Its number may be another process's from now on.
        else:
            answer = _fork(order)
            children.add(answer)
        print(json.dumps(answer), flush=True)  # noqa: T201 - this is the answer
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        code = _work(order)
    finally:
        os._exit(code)


def _work(order: dict[str, Any]) -> int:
    """Be the program that was ordered."""
    descriptors = [os.open(os.devnull, os.O_RDONLY), os.open(order["said"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)]
    os.dup2(descriptors[0], 0)
    for stream in (1, 2):
        os.dup2(descriptors[1], stream)
    os.environ.clear()
    os.environ.update(order["environment"])
    failpoint.arm(os.environ.get(failpoint.VARIABLE, ""))
    code = cli.main(order["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _wait(pid: int, timeout_s: float) -> int | None:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(LOOK_S)  # noqa: TID251 - waits for another process
    return None


if __name__ == "__main__":
    _raise_children()
