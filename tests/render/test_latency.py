"""Latency as a page: percentiles and how the times are spread, on any terminal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest
from rich.cells import cell_len
from rich.console import Console

from batchctl.domain.latency import EDGES_S, LatencyLine, LatencyReport, Part, tell_parts
from batchctl.render.drawn import NONE
from batchctl.render.grid import Grid
from batchctl.render.latency import page, sheet
from batchctl.render.tables import laid_out, print_whole

NINE = datetime(2026, 1, 31, 9, tzinfo=UTC)
CUSTOMER = UUID("7e5e7bba-0000-4000-8000-000000000001")


def line(part: Part, number: int | None, count: int, p50_s: float) -> LatencyLine:
    """Make a line of the database."""
    return LatencyLine(
        part=part,
        bin=number,
        count=count,
        open_count=2 if part is Part.TELL and number is None else 0,
        p50_s=p50_s,
        p95_s=p50_s * 4,
        p99_s=p50_s * 9,
        longest_s=p50_s * 70.5,
    )


REPORT = LatencyReport(
    since=NINE - timedelta(hours=24),
    until=NINE,
    user_id=None,
    model=None,
    parts=tell_parts(
        [
            line(Part.START, None, 1_234_567, 2.34),
            line(Part.START, 1, 1_234_567, 2.34),
            line(Part.FINISH, None, 1_234_500, 95.0),
            line(Part.FINISH, 3, 617_250, 95.0),
            line(Part.FINISH, 4, 617_249, 95.0),
            line(Part.FINISH, len(EDGES_S), 1, 95.0),
            line(Part.TELL, None, 100, 0.042),
            line(Part.TELL, 0, 100, 0.042),
        ]
    ),
)
EMPTY = replace(REPORT, parts=tell_parts([]))


@pytest.mark.parametrize("width", [80, 120, 200])
def test_page_fits(width: int) -> None:
    """No line is wider than the terminal, and no number or bar is cut."""
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=False, markup=False, highlight=False, emoji=False)
    for part in laid_out(page(REPORT)[1:], console):
        print_whole(part, console)
    lines = out.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    assert "…" not in out.getvalue()
    assert len(lines) < 24


def test_page_has_each_part_and_each_bin() -> None:
    """Times stand with what they need of digits, shares with a bar by the fullest bin; what is open is said."""
    head, percentiles, spread, untold = page(REPORT)
    assert head == "2026-01-30T09:00:00Z to 2026-01-31T09:00:00Z, by when it ended"
    assert isinstance(percentiles, Grid)
    assert [list(map(str, row[1:])) for row in percentiles.rows] == [
        ["1234567", "2.3 s", "9.4 s", "21 s", "2 min"],
        ["1234500", "95 s", "6 min", "14 min", "111 min"],
        ["0", NONE, NONE, NONE, NONE],
        ["100", "42 ms", "168 ms", "378 ms", "3.0 s"],
    ]
    assert isinstance(spread, Grid)
    assert spread.headings == ("WITHIN", "TO START", "TO FINISH", "TO SETTLE", "TO TELL")
    assert [str(row[0]) for row in spread.rows] == [
        *("1 s", "5 s", "15 s", "60 s", "5 min", "15 min", "60 min", "2 h", "longer")
    ]
    finish = [str(row[2]) for row in spread.rows]
    assert finish == ["", "", "", "████████  50.0%", "████████  50.0%", "", "", "", "▏         <0.1%"]
    assert untold == "2 events have not been taken by their customers' receivers, and are in no number"


def test_empty_window_is_told_in_words() -> None:
    """Where nothing ended there is no table."""
    (said,) = page(replace(EMPTY, user_id=CUSTOMER, model="veo-pro"))
    assert said == (
        f"2026-01-30T09:00:00Z to 2026-01-31T09:00:00Z, customer {CUSTOMER}, model veo-pro, by when it ended\n"
        "nothing ended"
    )


def test_sheet_is_in_seconds() -> None:
    """For programs times are numbers of seconds, and nothing where nothing is measured."""
    grid = sheet(REPORT)
    assert grid.rows[0] == (Part.START, 1_234_567, 0, 2.34, 9.36, 21.06, 164.97)
    assert grid.rows[2] == (Part.SETTLE, 0, 0, None, None, None, None)
    assert grid.rows[3][:4] == (Part.TELL, 100, 2, 0.042)
