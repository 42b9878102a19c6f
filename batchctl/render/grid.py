"""A table as values, and as the plain text that a pipe gets: tab-separated, whole values, instants in UTC."""

import io
from csv import writer
from dataclasses import dataclass
from datetime import UTC, datetime

from batchctl.render.clean import clean


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Headings and rows. Cells are text, numbers, instants, ids, enums or None; how they look is decided when shown."""

    headings: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    numbers: tuple[str, ...] = ()
    """Columns that stand at the right."""
    cut: tuple[str, ...] = ()
    """Columns that are cut on a terminal that is too narrow, instead of going on in another line."""
    whole: tuple[str, ...] = ()
    """Columns that never give way, for what stands there is copied: a table may be wider than its terminal for them."""
    spare: tuple[str, ...] = ()
    """Columns that are left out on a terminal that is too narrow, the first named first."""
    caption: str = ""
    """Said below the table, on a terminal only."""


Part = Grid | str
"""What a page is made of: tables, and lines of text between them."""


def plain(part: Part) -> str:
    """Return a part of a page for a pipe: a table as a line of headings and a line a row, cells parted by tabs."""
    if isinstance(part, str):
        return "\n".join(clean(line) for line in part.split("\n"))
    lines = ["\t".join(part.headings)]
    lines += ["\t".join(_plain(cell) for cell in row) for row in part.rows]
    return "\n".join(lines)


def csv(grid: Grid) -> str:
    """Return a table as CSV; a text that a spreadsheet would take for a formula begins with an apostrophe there."""
    text = io.StringIO()
    rows = writer(text, lineterminator="\n")
    rows.writerow(grid.headings)
    rows.writerows([_harmless(cell) for cell in row] for row in grid.rows)
    return text.getvalue().rstrip("\n")


def _harmless(cell: object) -> str:
    text = _plain(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(("=", "+", "-", "@")) else text


def instant(at: datetime) -> str:
    """Write an instant in UTC, as data: 2026-01-31T09:00:00Z. A terminal shows it in its operator's zone."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _plain(cell: object) -> str:
    if isinstance(cell, datetime):
        return instant(cell)
    return "" if cell is None else clean(str(cell))
