"""Pages for a terminal: grids as Rich tables, states in colour beside their words, short ids, local times."""

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from uuid import UUID

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from batchctl.render.clean import clean
from batchctl.render.grid import Grid, Part

COLOURS = {
    "completed": "green",
    "succeeded": "green",
    "sent": "green",
    "finalized": "green",
    "partial": "yellow",
    "retrying": "yellow",
    "refunded": "yellow",
    "failed": "red",
    "processing": "cyan",
    "queued": "blue",
    "pending": "blue",
}
"""The colour of each state; the word always stands beside it."""


def print_page(parts: Iterable[Part]) -> None:
    """Print a page to the terminal; nothing in a value is taken for markup or for a command to the terminal."""
    console = Console(markup=False, highlight=False, emoji=False)
    for part in parts:
        if isinstance(part, Grid):
            console.print(table(part))
        else:
            console.print(Text("\n".join(clean(line) for line in part.split("\n"))), soft_wrap=True)


def table(grid: Grid) -> Table:
    """Lay out a grid; its text columns give way first where the terminal is narrow."""
    laid_out = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    laid_out.caption = grid.caption or None
    laid_out.caption_justify = "left"
    for number, heading in enumerate(grid.headings):
        gives_way = any(type(row[number]) is str for row in grid.rows)
        laid_out.add_column(
            heading,
            justify="right" if heading in grid.numbers else "left",
            overflow="fold",
            no_wrap=not gives_way,
        )
    for row in grid.rows:
        cells = (cell(value) for value in row)
        laid_out.add_row(*map(_fitted, grid.headings, cells, [grid.cut] * len(row)))
    return laid_out


def cell(value: object) -> Text:
    """Write a value for a person: eight digits of an id, a local time to the second, a state in its colour."""
    if isinstance(value, UUID):
        return Text(str(value)[:8])
    if isinstance(value, datetime):
        return Text(f"{value.astimezone():%Y-%m-%d %H:%M:%S}")
    if isinstance(value, Enum):
        return Text(str(value), style=COLOURS.get(str(value), ""))
    return Text("" if value is None else clean(str(value)))


def _fitted(heading: str, text: Text, cut: tuple[str, ...]) -> Text:
    if heading in cut:
        text.no_wrap, text.overflow = True, "ellipsis"
    return text
