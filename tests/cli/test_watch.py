"""`--watch`: a page in place on a terminal, again and again, and the terminal as it was when that ends."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from batchctl.cli import output, watch
from batchctl.cli.output import Form
from batchctl.domain.problem import Problem, UnreachableProblem, UsageProblem
from batchctl.render.grid import Part
from tests.cli.conftest import Shell
from tests.scenario import Company

OTHER_SCREEN, OWN_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"
CURSOR_SHOWN = b"\x1b[?25h"
PATIENCE_S = 20


class Watched:
    """A command on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        """Begin with nothing seen."""
        self.process = process
        self.seen = b""
        self._terminal = terminal

    def read_until(self, pattern: bytes, times: int = 1) -> None:
        """Read what it shows until a pattern was seen so often."""
        while len(re.findall(pattern, self.seen)) < times:
            assert self._read(), f"ended before {pattern!r} was seen {times} times: {self.seen!r}"

    def end(self, number: signal.Signals) -> int:
        """Send a signal, read the rest, and return the exit code."""
        self.process.send_signal(number)
        while self._read():
            pass
        return self.process.wait(PATIENCE_S)

    def _read(self) -> bool:
        try:
            told = os.read(self._terminal, 65536)
        except OSError:  # EIO: nobody has it open any more
            told = b""
        self.seen += told
        return bool(told)


@contextmanager
def watched(company: Company, *arguments: str, **environment: str) -> Iterator[Watched]:
    """Run a command on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    settings = {"BATCHCTL_DATABASE_URL": company.dsn, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    keep = {name: value for name, value in os.environ.items() if name not in {"TERM", "NO_COLOR", "FORCE_COLOR"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "batchctl", *arguments],
        env=keep | settings | environment,
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    try:
        yield Watched(process, ours)
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()
        os.close(ours)


@pytest.mark.parametrize("page", ["overview", "failures", "latency"])
def test_page_is_shown_in_place_until_ctrl_c(company: Company, page: str) -> None:
    """The page appears on a screen of its own and anew after each interval; Ctrl-C ends it with 0 and restores all."""
    with watched(company, "stats", page, "--watch=0.5s") as command:
        command.read_until(rb"every 0.5 s until Ctrl-C", times=3)
        assert command.end(signal.SIGINT) == 0
        assert command.seen.startswith(OTHER_SCREEN)
        assert command.seen.rfind(OWN_SCREEN) > command.seen.rfind(b"until Ctrl-C")
        assert command.seen.rfind(CURSOR_SHOWN) > command.seen.rfind(b"\x1b[?25l") > 0
        assert command.process.stderr is not None
        assert command.process.stderr.read() == b""


def test_sigterm_restores_the_terminal_too(company: Company) -> None:
    """A service manager's signal ends it with 143, and the terminal is as it was."""
    with watched(company, "stats", "overview", "--watch") as command:
        command.read_until(rb"every 2 s until Ctrl-C")
        assert command.end(signal.SIGTERM) == 143
        assert command.seen.rfind(OWN_SCREEN) > command.seen.rfind(b"until Ctrl-C")


def test_terminal_that_can_nothing_gets_pages_below_each_other(company: Company) -> None:
    """With TERM=dumb no command reaches the terminal."""
    with watched(company, "stats", "overview", "--watch=0.5s", TERM="dumb") as command:
        command.read_until(rb"batches queued", times=2)
        assert command.end(signal.SIGINT) == 0
        assert b"\x1b" not in command.seen


def test_page_higher_than_the_terminal_says_so(company: Company) -> None:
    """What does not fit is counted on the last line, and the page does not scroll."""
    with watched(company, "stats", "overview", "--watch=0.5s", LINES="10") as command:
        command.read_until(b"more lines: a taller terminal shows them", times=2)
        assert command.end(signal.SIGINT) == 0
        assert b"credits frozen" not in command.seen


@pytest.mark.parametrize(
    ("every", "form", "json", "said"),
    [
        ("2 hours", None, False, "is no interval"),
        ("0.1s", None, False, "is no interval"),
        ("61m", None, False, "is no interval"),
        ("1e9s", None, False, "is no interval"),
        ("2s", Form.CSV, False, "leave -o and --json out"),
        ("2s", None, True, "leave -o and --json out"),
        ("2s", None, False, "needs a terminal"),
    ],
)
def test_what_cannot_be_watched_is_refused(every: str, form: Form | None, json: bool, said: str) -> None:  # noqa: FBT001 - a case
    """An interval that is none, a form that is no page, and a pipe are refused with a sentence, code 2."""
    with pytest.raises(UsageProblem, match=said):
        watch.interval_s(every, form, json=json)


@pytest.mark.parametrize(("every", "seconds"), [("2s", 2), ("10", 10), ("1m", 60), ("0.5s", 0.5), (None, None)])
def test_intervals(every: str | None, seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds stand without a unit too."""
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    assert watch.interval_s(every, None) == seconds


def test_bare_option_has_its_interval() -> None:
    """`--watch` alone means every two seconds; whatever else is written stays."""
    assert watch.spelled_out(["stats", "--watch", "-o", "--watch=5s"]) == ["stats", "--watch=2s", "-o", "--watch=5s"]


def test_pipe_and_cron_are_told_what_to_do(office: Shell) -> None:
    """Without a terminal nothing hangs and nothing is shown; with --fail-over it is refused as well."""
    ran = office.run("stats", "overview", "--watch")
    assert (ran.code, ran.out) == (2, "")
    assert "--watch needs a terminal" in ran.err
    ran = office.on_terminal(80, "stats", "failures", "--watch", "--fail-over", "5%")
    assert (ran.code, ran.out) == (2, "")
    assert "exclude each other" in ran.err


class Page:
    """A page that can be shown, or cannot, time after time."""

    def __init__(self, *answers: Part | Problem) -> None:
        """Take what comes of each look."""
        self._answers = iter(answers)

    def __call__(self) -> Sequence[Part]:
        """Return the page, or raise what keeps it from being made."""
        answer = next(self._answers)
        if isinstance(answer, Problem):
            raise answer
        return [answer]


def test_last_page_stays_while_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page that cannot be made anew is shown as it was, with the reason; the next one that can be takes its place."""
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    watch.watch(Page("first", UnreachableProblem("it is away"), "third"), 7, sleep)
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line] == [
        *("first", "every 7 s until Ctrl-C"),
        *("first", "NOT UP TO DATE: it is away"),
        *("third", "every 7 s until Ctrl-C"),
    ]
    assert slept == [7, 7, 7]


def test_first_page_that_cannot_be_made_ends_it() -> None:
    """What is wrong from the beginning is said as without --watch; so is what will not mend itself."""
    with pytest.raises(UnreachableProblem):
        watch.watch(Page(UnreachableProblem("away")), 1, lambda _: None)
