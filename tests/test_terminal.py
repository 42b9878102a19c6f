"""A real terminal, that of tmux: pages in place, the screen that they leave behind, and prompts that are answered."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from signal import SIGTERM
from subprocess import PIPE
from threading import Event

import pytest

from tests.scenario import Company

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

COLUMNS, LINES = 100, 40
PATIENCE_S = 20.0
"""No text is waited for any longer; on an idle machine each comes within a second."""


class Terminal:
    """A shell in a window of tmux that nobody looks at, typed into and read as by a person."""

    def __init__(self, socket: Path, environment: dict[str, str]) -> None:
        """Open the window, with that environment and no more than a shell needs."""
        self._between = Event()
        """Never set: between two looks others shall get on."""
        self._tmux = ("tmux", "-u", "-S", str(socket), "-f", os.devnull)
        needed = {
            "HOME": str(socket.parent),
            "LC_ALL": "C.UTF-8",
            "PS1": "ready> ",
            "SHELL": "/bin/sh",
        }
        size = ("-x", str(COLUMNS), "-y", str(LINES))
        self._call("new-session", "-d", *size, "/bin/sh", environment=needed | environment)

    def _call(self, *arguments: str, environment: dict[str, str] | None = None) -> str:
        command = [*self._tmux, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    def screen(self) -> str:
        """Return what a person would see, without the empty lines at its end."""
        return self._call("capture-pane", "-p").rstrip()

    def type(self, text: str) -> None:
        """Type a line, and Enter."""
        self._call("send-keys", "-l", text)
        self._call("send-keys", "Enter")

    def run(self, command: str) -> None:
        """Clear the screen and begin a command whose exit code is told behind it."""
        self.type("clear")
        self.wait(lambda screen: screen == "ready>", "an empty screen")
        self.type(f"{command}; echo left with $?")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._call("send-keys", "C-c")

    def wait(self, seen: Callable[[str], object], what: str) -> str:
        """Return the screen as soon as something is seen on it; fails after a while, with what is there instead."""
        end = time.monotonic() + PATIENCE_S
        while not seen(screen := self.screen()):
            assert time.monotonic() < end, f"{what} was waited for in vain:\n{screen}"
            self._between.wait(0.02)
        return screen

    def wait_for(self, pattern: str) -> str:
        """Return the screen as soon as it has what a regular expression describes."""
        return self.wait(re.compile(pattern, re.MULTILINE).search, pattern)

    def exit_code(self) -> int:
        """Return what a command left with, as soon as it has, and the shell is ready again."""
        screen = self.wait_for(r"^left with \d+\nready>")
        return int(re.findall(r"^left with (\d+)$", screen, re.MULTILINE)[-1])

    @property
    def modes(self) -> dict[str, str]:
        """Return whether the cursor is shown, and whether a screen of its own is on."""
        names = ("cursor_flag", "alternate_on")
        told = self._call("display-message", "-p", " ".join(f"#{{{name}}}" for name in names))
        return dict(zip(names, told.split(), strict=True))

    def close(self) -> None:
        """End the shell, what runs in it, and its tmux."""
        self._call("kill-server")


def environment(company: Company) -> dict[str, str]:
    """Return what a worker of the company needs, which polls each second, and an operator too."""
    return {
        "BATCHCTL_DATABASE_URL": company.dsn,
        "BATCH_POLL_BACKOFF_SECONDS": "1,1,1",
        "GRSAI_API_KEY": "sk-test",
        "GRSAI_HOST": company.provider.base_url,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


@pytest.fixture
def terminal(company: Company) -> Iterator[Terminal]:
    """Give a terminal whose shell works for the company."""
    with (
        tempfile.TemporaryDirectory(prefix="batchctl-") as folder,  # a socket's path must be short
        closing(Terminal(Path(folder) / "tmux", environment(company))) as opened,
    ):
        opened.wait_for("^ready>")
        yield opened


def test_batch_is_watched_while_a_worker_works(company: Company, terminal: Terminal) -> None:
    """The page moves on by itself; Ctrl-C leaves the screen and the cursor as they were, and the batch alone."""
    batch = company.enqueue(company.customer(permanent=100), ["one", "two", "[sim: never]"])
    terminal.run(f"batchctl batch watch {str(batch)[:8]} --interval 0.5")
    terminal.wait_for(rf"^ BATCH +{batch}\n(.*\n)*? state +queued")
    assert terminal.modes == {"cursor_flag": "0", "alternate_on": "1"}

    worker = [sys.executable, "-m", "batchctl", "worker"]
    with subprocess.Popen(worker, env=environment(company), stdout=PIPE, stderr=PIPE) as process:
        page = terminal.wait_for(r"█+░+ 2 of 3 finished")
        assert " state     processing" in page
        assert re.search(r"^ at the provider +1 ", page, re.MULTILINE)
        assert "every 0.5 s until it has ended" in page
        process.terminate()
        assert process.wait(PATIENCE_S) == 128 + SIGTERM
    assert all(len(line) <= COLUMNS for line in page.splitlines())

    terminal.interrupt()
    assert terminal.exit_code() == 130
    assert terminal.modes == {"cursor_flag": "1", "alternate_on": "0"}
    typed, said, *_ = terminal.screen().splitlines()
    assert (typed, said) == (
        f"ready> batchctl batch watch {str(batch)[:8]} --interval 0.5; echo left with $?",
        "no longer watched; the batch goes on all the same",
    )


def test_overview_is_watched(company: Company, terminal: Terminal) -> None:
    """A batch that comes is seen without anything being typed; Ctrl-C is how it is meant to end."""
    terminal.run("batchctl stats overview --watch=0.5s")
    terminal.wait_for(r"until Ctrl-C$")
    company.enqueue(company.customer(permanent=100), 3)
    terminal.wait_for(r"queued +1\b")

    terminal.interrupt()
    assert terminal.exit_code() == 0
    assert terminal.modes == {"cursor_flag": "1", "alternate_on": "0"}
    assert terminal.screen().splitlines()[1:] == ["left with 0", "ready>"]


def test_cancellation_asks(company: Company, terminal: Terminal) -> None:
    """What would be cancelled is shown and asked about; n changes nothing, y does it and says what was done."""
    batch = company.enqueue(company.customer(permanent=100), 3)
    command = f"batchctl batch cancel {str(batch)[:8]} --reason 'wrong prompt'"
    question = r"cancel 1 batch\? 3 unsent tasks fail as CANCELLED, giving back no credits\. \[y/N\]:"

    terminal.run(command)
    assert f"batch {batch}: queued, 3 unsent tasks, 0 running" in terminal.wait_for(question)
    terminal.type("n")
    assert terminal.exit_code() == 1
    assert "nothing was changed" in terminal.screen()
    assert company.sql("select status, cancelled_at from batch_jobs") == [("queued", None)]

    terminal.run(command)
    terminal.wait_for(question)
    terminal.type("y")
    assert terminal.exit_code() == 0
    assert re.search(rf"^ {str(batch)[:8]} +queued +3 +0 +0 .*cancelled$", terminal.screen(), re.MULTILINE)
    assert company.sql("select status, last_error from batch_jobs") == [("failed", "CANCELLED")]
    assert company.sql("select reason, outcome from operator_actions") == [("wrong prompt", "done")]
