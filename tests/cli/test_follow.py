"""`batchctl batch watch`: a page in place or a line at each change, until the end; the terminal as it was before."""

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest

from batchctl.domain.batch_page import BatchShow
from batchctl.service import batch as service
from batchctl.service.claim import claim
from batchctl.service.world import World
from tests.cli.conftest import Shell
from tests.scenario import SECRET, Company

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
"""What opens and closes a screen of its own on a terminal."""


def test_batch_that_has_ended_is_one_line(company: Company, office: Shell) -> None:
    """There is nothing to wait for: how it ended, and what it cost."""
    batch = company.enqueue(company.customer(permanent=100), ["a", "b [sim: fail=error]"])
    company.run_until_quiet()

    ran = office.run("batch", "watch", str(batch)[:8])

    assert ran.code == 0
    line = "partial, 2 of 2 finished, 1 failed, 10 credits charged, 10 given back"
    assert ran.out.partition(" ")[2] == f"{line}\n"


def test_each_change_is_a_line_in_a_pipe(company: Company, office: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first look to the end, with nothing between two lines that are the same."""
    batch = company.enqueue(company.customer(permanent=100), ["a", "b"])
    looks: list[UUID] = []
    show = service.show

    def work_between(world: World, batch_id: UUID) -> BatchShow:
        looks.append(batch_id)
        if len(looks) == 3:
            company.run_until_quiet()
        return show(world, batch_id)

    monkeypatch.setattr(service, "show", work_between)
    ran = office.run("batch", "watch", str(batch), "--interval", "0.5")

    assert looks == [batch] * 3
    lines = [line.partition(" ")[2] for line in ran.out.splitlines()]
    assert lines[0] == "queued, 0 of 2 finished, 2 pending"
    assert lines[-1] == "completed, 2 of 2 finished, 20 credits charged, 0 given back"
    assert len(lines) == 2


def test_document_comes_at_the_end(company: Company, office: Shell) -> None:
    """--json waits, and is what `batch show --json` says then."""
    batch = company.enqueue(company.customer(permanent=100), 1)
    company.run_until_quiet()

    document = office.run("batch", "watch", str(batch), "--json").document

    assert (document["schema"], document["batch"]["status"]) == ("batchctl/batch.show/1", "completed")


def test_terminal_keeps_the_last_page(company: Company, office: Shell) -> None:
    """When the batch has ended the whole page stays behind."""
    batch = company.enqueue(company.customer(permanent=100), 1)
    company.run_until_quiet()

    ran = office.on_terminal(80, "batch", "watch", str(batch))

    assert ran.code == 0
    assert str(batch) in ran.out
    assert "TIMELINE" in ran.out


def test_batch_that_nobody_has_is_wrong_usage(office: Shell) -> None:
    """Nothing is watched, and no screen is opened."""
    ran = office.run("batch", "watch", "0033894e")
    assert (ran.code, ran.out) == (2, "")
    assert "there is no batch 0033894e" in ran.err


@dataclass(slots=True)
class Terminal:
    """A real terminal with a watch on it."""

    process: subprocess.Popen[bytes]
    screen: int
    keyboard: int
    shown: bytes = b""

    def await_text(self, text: bytes) -> None:
        """Read until a text was shown."""
        while text not in self.shown:
            self.shown += os.read(self.screen, 65536)

    def end(self) -> int:
        """Wait for the watch to end, and return its exit code."""
        code = self.process.wait(20)
        os.set_blocking(self.screen, False)
        try:
            while more := os.read(self.screen, 65536):
                self.shown += more
        except (BlockingIOError, OSError):
            pass
        return code


@contextmanager
def watching(company: Company, batch: object, **environment: str) -> Iterator[Terminal]:
    """Watch a batch on a terminal of 100 columns and 40 lines, as a process of its own."""
    screen, keyboard = pty.openpty()
    termios.tcsetwinsize(screen, (40, 100))
    settings = {
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "BATCHCTL_DATABASE_URL": company.dsn,
        "GRSAI_API_KEY": "sk-test",
        "ENTERPRISE_WEBHOOK_SECRET": SECRET,
    } | environment
    command = [sys.executable, "-m", "batchctl", "batch", "watch", str(batch), "--interval", "0.5"]
    process = subprocess.Popen(
        command, env=settings, stdin=keyboard, stdout=keyboard, stderr=keyboard, start_new_session=True
    )
    try:
        yield Terminal(process, screen, keyboard)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(screen)
        os.close(keyboard)


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_watch_leaves_the_terminal_as_it_was(company: Company, stop: signal.Signals, code: int) -> None:
    """The screen of its own is closed, the cursor is back, and the terminal's settings are the same."""
    batch = company.enqueue(company.customer(permanent=100), 3)
    claim(company.world)
    with watching(company, batch) as terminal:
        before = termios.tcgetattr(terminal.keyboard)
        terminal.await_text(b"until it has ended")
        terminal.process.send_signal(stop)
        assert terminal.end() == code
        after = termios.tcgetattr(terminal.keyboard)
    assert after == before
    assert terminal.shown.count(ENTER) == terminal.shown.count(LEAVE) == 1
    assert terminal.shown.rindex(b"\x1b[?25h") > terminal.shown.index(b"\x1b[?25l")
    assert b"Traceback" not in terminal.shown
    company.run_until_quiet()


def test_watch_ends_with_the_batch(company: Company) -> None:
    """The page moves while passes run, and what is left on the terminal is the page of the ended batch."""
    batch = company.enqueue(company.customer(permanent=100), 3)
    claim(company.world)
    with watching(company, batch) as terminal:
        terminal.await_text(b"0 of 3 finished")
        company.run_until_quiet()
        assert terminal.end() == 0
    rest = terminal.shown.partition(LEAVE)[2]
    assert b"3 of 3 finished" in rest
    assert b"TIMELINE" in rest


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_poor_terminals_are_respected(company: Company, environment: dict[str, str]) -> None:
    """A dumb terminal gets plain lines and no control sequence; NO_COLOR gets no colour."""
    batch = company.enqueue(company.customer(permanent=100), 1)
    claim(company.world)
    with watching(company, batch, **environment) as terminal:
        terminal.await_text(b"0 of 1 finished")
        company.run_until_quiet()
        assert terminal.end() == 0
    if "TERM" in environment:
        assert ENTER not in terminal.shown
    else:
        assert b"\x1b[3" not in terminal.shown
