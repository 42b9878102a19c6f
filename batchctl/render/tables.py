"""Pages for a terminal: grids as Rich tables, states in colour beside their words, short ids, local times."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from enum import Enum
from uuid import UUID

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from batchctl.render.clean import LONGEST, clean
from batchctl.render.grid import Grid, Part
from batchctl.render.times import localized

COLOURS = {
    "completed": "green",
    "succeeded": "green",
    "sent": "green",
    "finalized": "green",
    "partial": "yellow",
    "retrying": "yellow",
    "refunded": "yellow",
    "failed": "red",
    "interrupted": "red",
    "done": "green",
    "running": "cyan",
    "held": "red",
    "paused": "red",
    "processing": "cyan",
    "queued": "blue",
    "pending": "blue",
}
"""The colour of each state; the word always stands beside it."""
UNBOUNDED = 10_000
"""More columns than any terminal has."""
LEAST_CELLS = 8
"""What a column of text is left with, if it has as much, on a terminal that is too narrow for a table."""
ENOUGH_CELLS = 32
"""Of a text that is cut on a narrow terminal so much is enough for other columns to be left out rather than it."""
LONGEST_CELL = 1000
"""More characters than anybody reads in a table; --json and pipes get more."""

_NO_WIDTH = dict.fromkeys(map(ord, "\u200d\ufe0f"))
"""What joins emoji and colours them: no two terminals agree on the width of the result, and Rich measures it in one way
and cuts it in another, which ends in an IndexError. Without them each sign stands for itself."""


def print_page(parts: Iterable[Part], *, whole_ids: bool = False, now: datetime | None = None) -> None:
    """Print a page to the terminal; nothing in a value is taken for markup or for a command to the terminal.

    Instants in sentences are told in the operator's zone, with their distance from `now` where that is given.
    """
    console = plain_console()
    for shown in laid_out(parts, console, whole_ids=whole_ids, now=now):
        print_whole(shown, console)


def plain_console() -> Console:
    """Return the terminal, for texts that hold no markup."""
    return Console(markup=False, highlight=False, emoji=False)


def print_whole(shown: RenderableType, console: Console) -> None:
    """Print a part as wide as it needs to be: a table too wide for the terminal goes on in its next line."""
    width = console.width
    if isinstance(shown, Table):
        console.width = max(width, _least_width(shown))
    console.print(shown, soft_wrap=isinstance(shown, Text))
    console.width = width


def laid_out(
    parts: Iterable[Part], console: Console, *, whole_ids: bool = False, now: datetime | None = None
) -> Iterator[RenderableType]:
    """Yield the parts of a page as they are printed: what is said as text, grids as tables that fit the terminal."""
    for part in parts:
        if isinstance(part, Grid):
            whole = with_whole_ids(part) if whole_ids else part
            yield table(_fitting(_localized(whole, now), console))
        else:
            yield Text("\n".join(_flat(localized(line, now)) for line in part.split("\n")))


def _localized(grid: Grid, now: datetime | None) -> Grid:
    """Return a grid whose sentences tell instants in the operator's zone."""
    rows = (tuple(localized(value, now) if type(value) is str else value for value in row) for row in grid.rows)
    return replace(grid, rows=tuple(rows), caption=localized(grid.caption, now))


def with_whole_ids(grid: Grid) -> Grid:
    """Return a grid whose ids are shown whole, on however narrow a terminal, so that they can be copied."""
    rows = tuple(tuple(str(value) if isinstance(value, UUID) else value for value in row) for row in grid.rows)
    ids = [heading for at, heading in enumerate(grid.headings) if any(isinstance(row[at], UUID) for row in grid.rows)]
    return replace(grid, rows=rows, whole=(*grid.whole, *ids))


def table(grid: Grid) -> Table:
    """Lay out a grid; its text columns give way first where the terminal is narrow."""
    laid_out = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    laid_out.caption = Text(_flat(grid.caption), style="table.caption") if grid.caption else None
    laid_out.caption_justify = "left"
    for number, heading in enumerate(grid.headings):
        gives_way = heading not in grid.whole and any(type(row[number]) is str for row in grid.rows)
        laid_out.add_column(
            heading,
            justify="right" if heading in grid.numbers else "left",
            overflow="ellipsis" if heading in grid.numbers else "fold",  # a digit that is lost must be seen to be lost
            no_wrap=not gives_way,
            min_width=_longest(grid, number)
            if heading in grid.numbers or not gives_way
            else min(_longest(grid, number), LEAST_CELLS),
        )
    for row in grid.rows:
        cells = (cell(value) for value in row)
        laid_out.add_row(*map(_fitted, grid.headings, cells, [grid.cut] * len(row)))
    return laid_out


def _least_width(laid: Table) -> int:
    """Return the columns that a table takes when its texts are as narrow as can be: no digit is ever lost."""
    beside = 2  # a cell on the right of each column and one between two, or at the edge
    return 1 + sum((column.min_width or 0) + beside for column in laid.columns)


def _longest(grid: Grid, number: int) -> int:
    return max(cell_len(text) for text in [grid.headings[number], *(cell(row[number]).plain for row in grid.rows)])


def _fitting(grid: Grid, console: Console) -> Grid:
    """Leave out spare columns until no other has to give way; those that are cut are left with enough to be read."""
    unbounded = console.options.update(max_width=UNBOUNDED)
    for heading in grid.spare:
        if console.measure(table(_cut_down(grid)), options=unbounded).maximum <= console.width:
            break
        at = grid.headings.index(heading)
        grid = replace(
            grid,
            headings=(*grid.headings[:at], *grid.headings[at + 1 :]),
            rows=tuple((*row[:at], *row[at + 1 :]) for row in grid.rows),
        )
    return grid


def _cut_down(grid: Grid) -> Grid:
    """Return a grid whose cut columns hold no more than is enough to be read."""
    rows = (
        tuple(
            set_cell_size(_flat(value), ENOUGH_CELLS)
            if heading in grid.cut and isinstance(value, str) and cell_len(value) > ENOUGH_CELLS
            else value
            for heading, value in zip(grid.headings, row, strict=True)
        )
        for row in grid.rows
    )
    return replace(grid, rows=tuple(rows))


def cell(value: object) -> Text:
    """Write a value for a person: eight digits of an id, a local time to the second, a state in its colour."""
    if isinstance(value, UUID):
        return Text(str(value)[:8])
    if isinstance(value, datetime):
        return Text(f"{value.astimezone():%Y-%m-%d %H:%M:%S}")
    if isinstance(value, Enum):
        return Text(str(value), style=COLOURS.get(str(value), ""))
    return Text("" if value is None else _flat(str(value), LONGEST_CELL))


def _flat(text: str, longest: int = LONGEST) -> str:
    return clean(text, longest).translate(_NO_WIDTH)


def _fitted(heading: str, text: Text, cut: tuple[str, ...]) -> Text:
    if heading in cut:
        text.no_wrap, text.overflow = True, "ellipsis"
    return text
