"""Tables for pipes: one line a row, one tab between cells, whatever stands in them."""

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from batchctl.render.grid import Grid, instant, plain

from .test_clean import ANY_TEXT, HOSTILE, commands_in


class Colour(StrEnum):
    """A state."""

    RED = "red"


def test_cells_are_whole_values() -> None:
    """Ids stand whole, instants in UTC, None as nothing: what the next program in the pipe needs."""
    at = datetime(2026, 1, 31, 10, 0, 0, 999, tzinfo=timezone(timedelta(hours=1)))
    whole = UUID("0033894e-0000-4000-8000-000000000001")
    grid = Grid(
        headings=("ID", "AT", "STATE", "N", "TEXT", "NOTHING"), rows=((whole, at, Colour.RED, -7, "a b", None),)
    )
    assert plain(grid) == (
        "ID\tAT\tSTATE\tN\tTEXT\tNOTHING\n0033894e-0000-4000-8000-000000000001\t2026-01-31T09:00:00Z\tred\t-7\ta b\t"
    )
    assert instant(datetime(2026, 7, 1, 12, 30, tzinfo=UTC)) == "2026-07-01T12:30:00Z"


@settings(deadline=None)
@given(st.lists(st.lists(ANY_TEXT | HOSTILE, min_size=3, max_size=3), max_size=5))
def test_no_cell_makes_another_cell_or_row(rows: list[list[str]]) -> None:
    """Tabs and line ends within a cell are written out, so that rows can be split blindly."""
    text = plain(Grid(headings=("A", "B", "C"), rows=tuple(map(tuple, rows))))
    lines = text.split("\n")
    assert text.splitlines() == lines
    assert len(lines) == len(rows) + 1
    assert all(line.count("\t") == 2 for line in lines)
    assert commands_in(text) <= {"\t", "\n"}


@settings(deadline=None)
@given(ANY_TEXT | HOSTILE)
def test_lines_between_tables_are_clean(text: str) -> None:
    """A text part keeps its own line ends, and nothing else that a terminal obeys."""
    shown = plain(text)
    assert commands_in(shown) <= {"\n"}
    assert shown.count("\n") == text.count("\n")


def test_formula_stands_as_it_is() -> None:
    """What a spreadsheet would take for a formula is data for the next program: -7 stays -7."""
    cells = ("=1+1", "+1", "-7", "@SUM(A1)")
    assert plain(Grid(headings=("A", "B", "C", "D"), rows=(cells,))).split("\n")[1] == "\t".join(cells)
