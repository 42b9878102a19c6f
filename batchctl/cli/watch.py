"""`--watch` of pages that are only read: the page again and again, in place, until Ctrl-C."""

import re
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from batchctl.cli import output
from batchctl.cli.output import Form
from batchctl.domain.problem import UnreachableProblem, UsageProblem

if TYPE_CHECKING:
    from batchctl.render.grid import Part

BARE = "--watch"
EVERY = "2s"
_INTERVAL = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)(s|m|)")
SHORTEST_S, LONGEST_S = 0.5, 3600.0

Watch = Annotated[
    str | None,
    typer.Option(
        BARE, metavar="EVERY", help=f"Show it again every {EVERY} (--watch=10s) until Ctrl-C; on a terminal only."
    ),
]


def spelled_out(arguments: Iterable[str]) -> list[str]:
    """Return arguments in which a bare `--watch` has its interval, which typer cannot leave to be chosen."""
    return [f"{BARE}={EVERY}" if argument == BARE else argument for argument in arguments]


def interval_s(every: str | None, form: Form | None, *, json: bool = False) -> float | None:
    """Return how many seconds lie between two pages; None where none is to be watched.

    Raises UsageProblem for an interval that is none, for a form that is no page, and where nobody looks.
    """
    if every is None:
        return None
    found = _INTERVAL.fullmatch(every.strip())
    seconds = float(found[1]) * (60 if found[2] == "m" else 1) if found else 0.0
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise UsageProblem(f"{every[:40]!r} is no interval: write --watch, --watch=10s or --watch=1m, from 0.5s to 60m")
    if json or form not in {None, Form.TABLE}:
        raise UsageProblem("--watch shows a page on a terminal: leave -o and --json out")
    if not output.is_terminal():
        raise UsageProblem("--watch needs a terminal: in a pipe or in cron leave it out, and repeat the command")
    return seconds


def watch(page: "Callable[[], Sequence[Part]]", every_s: float, sleep: Callable[[float], None]) -> None:
    """Show a page every so many seconds until Ctrl-C, which is how it is meant to end: exit code 0.

    While the database is away the last page stays, and that is said. SIGTERM ends it with 143. In both cases the
    terminal is as it was before. Raises what `page` raises when it is made for the first time.
    """
    from batchctl.render.screen import in_place
    from batchctl.wiring import local_clock

    try:
        with stopped_by_sigterm():
            parts, said = page(), f"every {every_s:g} s until Ctrl-C"
            with in_place() as show:
                while True:
                    show([*parts, said], local_clock())
                    sleep(every_s)
                    try:
                        parts, said = page(), f"every {every_s:g} s until Ctrl-C"
                    except UnreachableProblem as problem:
                        said = f"NOT UP TO DATE: {problem}"
    except KeyboardInterrupt:
        return


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block as an exception does, so that whatever was begun is ended."""

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        raise typer.Exit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
