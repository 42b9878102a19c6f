"""A page shown in place on a terminal, again and again; the terminal is as it was before when that ends."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.segment import Segment

from batchctl.render.grid import Part
from batchctl.render.tables import laid_out, plain_console, print_whole

Show = Callable[[Sequence[Part], datetime], None]
"""Shows a page instead of the one before; instants in it are told with their distance from that time."""


class _Cropped:
    """A page of which as much is shown as the terminal has lines, and how many there are more."""

    def __init__(self, page: Group) -> None:
        self._page = page

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._page, options.update(height=None), pad=False)
        height = console.height
        if len(lines) > height:
            more = len(lines) - height + 1
            lines = [*lines[: height - 1], [Segment(f"… {more} more lines: a taller terminal shows them")]]
        for number, line in enumerate(lines):
            if number:
                yield Segment.line()
            yield from line


@contextmanager
def in_place() -> Iterator[Show]:
    """Give what shows a page in place of the one before, on a screen of its own.

    A terminal that cannot do that (TERM=dumb) gets one page below the other.
    """
    console = plain_console()
    if console.is_dumb_terminal:
        yield lambda page, now: _below(console, page, now)
        return
    # What else is written, an error at the end, must not be mixed up with the page.
    with Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:

        def show(page: Sequence[Part], now: datetime) -> None:
            live.update(_Cropped(Group(*laid_out(page, console, now=now))), refresh=True)

        yield show


def _below(console: Console, page: Sequence[Part], now: datetime) -> None:
    for shown in laid_out(page, console, now=now):
        print_whole(shown, console)
