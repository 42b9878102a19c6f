"""Statistics as pages: at each width every line is whole, columns stand below each other, and strangers do no harm."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from rich.cells import cell_len
from rich.console import Console

from batchctl.domain.failure import FailureType
from batchctl.domain.stats import Breakdown, Cut, Dimension, FailureReport, FinishedCount, tell
from batchctl.domain.window import divide
from batchctl.render.drawn import NONE, Drawn
from batchctl.render.grid import Grid, instant, plain
from batchctl.render.stats import failures, sheet
from batchctl.render.tables import laid_out, table

NINE = datetime(2026, 1, 31, 9, tzinfo=UTC)
DAY_BEFORE = NINE - timedelta(hours=24)
HOSTILE = (
    "[red]内容违规[/red] \x1b[2J\x1b]0;owned\x07\u202egnp.exe\u2066 🎬👩‍👩‍👧 \r\n\t" + "模型" * 40,
    "\x00\x9b31m" + "x" * 200,
    "e\u0301" * 100,
    "",
)
WIDTHS = (80, 120, 160, 200)
VIEWS = [None, *Breakdown]


def counts(*, hostile: bool) -> list[FinishedCount]:
    """Make the counts of a day at work."""

    def count(dimension: Dimension, failed: int, **values: Any) -> FinishedCount:
        given: dict[str, Any] = {"bucket_at": None, "failure_type": None, "key": "", "not_started_count": 0} | values
        given = {"succeeded_before": 0, "failed_before": 0} | given
        task_id = UUID(int=failed) if dimension is Dimension.ERROR else None
        return FinishedCount(
            dimension=dimension,
            failed_count=failed,
            succeeded_count=given.pop("succeeded", 0),
            credits_refunded=failed * 10,
            last_ended_at=NINE,
            task_id=task_id,
            key_count=9,
            **given,
        )

    by_type = [
        count(Dimension.TYPE, failed, bucket_at=DAY_BEFORE + timedelta(hours=hour), failure_type=failure_type)
        for failure_type, failed in zip(FailureType, (12_345, 12, 300, 1), strict=False)
        for hour in range(24)
    ]
    names = HOSTILE if hostile else ("sora-2", "veo-pro", "")
    return [
        *by_type,
        count(Dimension.TYPE, 0, bucket_at=DAY_BEFORE, succeeded=1_000_000, not_started_count=7),
        *(count(Dimension.MODEL, 1000 - at, key=name, succeeded=123_456) for at, name in enumerate(names)),
        *(count(Dimension.REASON, 1000 - at, key=name) for at, name in enumerate(names)),
        *(count(Dimension.ERROR, 1000 - at, key=name) for at, name in enumerate(names)),
        *(count(Dimension.CUSTOMER, 1000 - at, key=str(UUID(int=at << 96))) for at in range(3)),
        *(count(Dimension.NOT_STARTED, 0, key=name, not_started_count=2) for name in names),
    ]


def report(*, hostile: bool = False, late_results: int = 3) -> FailureReport:
    """Make the report of a day at work."""
    return tell(divide(DAY_BEFORE, NINE), counts(hostile=hostile), late_results)


def shown(grid: Grid, width: int) -> list[str]:
    """Return the lines of a table on a terminal of that width."""
    file = StringIO()
    console = Console(file=file, width=width, force_terminal=False, markup=False, highlight=False, emoji=False)
    console.print(table(grid))
    return [line for line in file.getvalue().splitlines() if line.strip()]


def grids(page: list[Any]) -> list[Grid]:
    """Return the tables of a page."""
    return [part for part in page if isinstance(part, Grid)]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("hostile", [False, True])
def test_every_row_is_one_whole_line(view: Breakdown | None, width: int, hostile: bool) -> None:  # noqa: FBT001 - a case
    """No row is broken or wider than the terminal, and all lines of a table are equally wide, whatever stands in it."""
    page = failures(report(hostile=hostile), view)
    assert grids(page)
    for grid in grids(page):
        heading, rule, *rows = shown(grid, width)
        assert len(rows) == len(grid.rows) + (grid.caption != "")
        assert len({cell_len(line) for line in (heading, rule, *rows[: len(grid.rows)])}) == 1
        assert max(map(cell_len, rows)) <= width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("view", VIEWS)
def test_figures_are_whole_and_stand_below_each_other(view: Breakdown | None, width: int) -> None:
    """Numbers, bars and trends are never cut, not even on 80 columns; wide characters before them move none."""
    for grid in grids(failures(report(hostile=True), view)):
        heading, _, *lines = shown(grid, width)
        for row, line in zip(grid.rows, lines, strict=False):
            figures = [str(cell) for cell in row if isinstance(cell, int | Drawn)]
            assert [figure for figure in figures if figure not in line] == []
            if "SHARE" in grid.headings:
                share = str(row[grid.headings.index("SHARE")])
                assert cell_len(line[: line.index(share)] + share) == heading.index("SHARE") + len("SHARE")
            if "TREND" in grid.headings:
                assert str(row[-1]) in line


@pytest.mark.parametrize("view", VIEWS)
def test_strangers_texts_are_harmless(view: Breakdown | None) -> None:
    """Nothing in a model, a reason or an error reaches a terminal or a pipe as a command or as markup."""
    page = failures(report(hostile=True), view)
    on_terminal = "\n".join(line for grid in grids(page) for line in shown(grid, 200))
    for text in (on_terminal, "\n".join(plain(part) for part in page)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    if view in {None, Breakdown.MODEL, Breakdown.REASON}:
        assert "[red]内容违规[/red] \\x1b[2J\\x1b]0;owned" in on_terminal


def test_page_tells_what_happened() -> None:
    """The usual page has the window, the totals, types with zeros, reasons, errors, and what stands apart."""
    headline, types, reasons, more_reasons, errors, more_errors, refused, because, more_because, late = failures(
        replace(report(), batch_ids=(UUID(int=1), UUID(int=2))), None
    )
    window = f"{instant(DAY_BEFORE)} to {instant(NINE)}"
    assert headline == f"{window}, 2 batches\n1303792 tasks finished, 303792 failed (23.3%), 3037920 credits given back"
    assert isinstance(types, Grid)
    assert [tuple(map(str, row[:5])) for row in types.rows] == [
        ("model_error", "296280", "97.5%", "22.7%", "2962800"),
        ("param_error", "288", "0.1%", "<0.1%", "2880"),
        ("timeout", "7200", "2.4%", "0.6%", "72000"),
        ("network", "24", "<0.1%", "<0.1%", "240"),
        ("unknown", "0", "0.0%", "0.0%", "0"),
    ]
    assert [grid.headings[0] for grid in (reasons, errors, because) if isinstance(grid, Grid)] == [
        "PROVIDER'S REASON",
        "FAILED",
        "NOT STARTED",
    ]
    assert (more_reasons, more_errors, more_because) == ("… and 6 more reasons", "… and 6 more errors", more_reasons)
    assert refused == "7 tasks of refused or cancelled batches were not started: they are in no rate"
    assert late == "3 results came after their tasks had been failed; they are never charged"


def test_one_is_told_as_one() -> None:
    """A single task, batch or result is not told in the plural."""
    one = [count for count in counts(hostile=False) if count.failure_type is FailureType.NETWORK][:1]
    single = tell(divide(DAY_BEFORE, NINE), one, 1, cut=Cut(batch_ids=(UUID(int=1),)))
    headline, *_, refused, late = failures(replace(single, not_started=1), Breakdown.TYPE)
    assert isinstance(headline, str)
    assert headline.endswith(", 1 batch\n1 task finished, 1 failed (100.0%), 10 credits given back")
    assert refused == "1 task of refused or cancelled batches was not started: it is in no rate"
    assert late == "1 result came after its task had been failed; it is never charged"


@pytest.mark.parametrize("view", VIEWS)
def test_empty_window_is_told_in_words(view: Breakdown | None) -> None:
    """Where nothing finished there is no table; what stands apart is told all the same."""
    empty = tell(divide(DAY_BEFORE, NINE), [], 0)
    (headline,) = failures(empty, view)
    assert isinstance(headline, str)
    assert headline.endswith("\nno task finished")
    assert failures(replace(empty, late_results=2), view)[1:] == [
        "2 results came after their tasks had been failed; they are never charged"
    ]


def test_window_without_failures() -> None:
    """Where all went well the types are shown with zeros, and no table is a bare header."""
    well = [count for count in counts(hostile=False) if count.succeeded_count and count.bucket_at]
    fine = tell(divide(DAY_BEFORE, NINE), well, 0)
    headline, types, refused = failures(fine, None)
    assert isinstance(headline, str)
    assert headline.endswith("\n1000000 tasks finished, none failed")
    assert isinstance(types, Grid)
    assert {str(row[2]) for row in types.rows} == {NONE}
    assert isinstance(refused, str)


def test_days_say_where_they_begin() -> None:
    """A day is one in UTC, and an operator elsewhere is told so."""
    days = tell(divide(DAY_BEFORE, NINE + timedelta(days=5)), [], 0)
    (_, grid) = failures(replace(days, finished=1), Breakdown.DAY)
    assert isinstance(grid, Grid)
    assert (grid.headings[0], grid.caption, len(grid.rows)) == ("DAY", "days begin at midnight UTC", 7)


COMPARED = replace(divide(DAY_BEFORE, NINE), compared_since=DAY_BEFORE - timedelta(hours=24))


def compared(*, before: bool = True) -> FailureReport:
    """Make the report of a day at work that had one before it."""
    earlier = [
        replace(one, failed_before=one.failed_count * 2, succeeded_before=one.succeeded_count)
        for one in counts(hostile=False)
    ]
    return tell(COMPARED, earlier if before else counts(hostile=False), 0)


def test_time_before_stands_beside_the_window() -> None:
    """Counts and rates of the time before, and how the rate moved, stand in the headline and in each row."""
    headline, types, *_ = failures(compared(), None)
    assert isinstance(headline, str)
    assert headline.split("\n")[2] == (
        "in the 24 h before: 1607584 tasks finished, 607584 failed (37.8%), ↓ 14.5 points since then"
    )
    assert isinstance(types, Grid)
    at = types.headings.index("RATE")
    assert types.headings[at : at + 4] == ("RATE", "BEFORE", "WAS", "CHANGE")
    assert [tuple(map(str, row[at : at + 4])) for row in types.rows][:2] == [
        ("22.7%", "592560", "36.9%", "↓ 14.1"),
        ("<0.1%", "576", "<0.1%", "="),
    ]


def test_nothing_before_is_said() -> None:
    """Where nothing finished before there is no rate and no change; where nothing ever did, nothing is said of it."""
    headline, types, *_ = failures(compared(before=False), None)
    assert isinstance(headline, str)
    assert headline.endswith("\nin the 24 h before: no task finished")
    assert isinstance(types, Grid)
    assert {str(row[types.headings.index("CHANGE")]) for row in types.rows} == {NONE}
    (headline,) = failures(tell(COMPARED, [], 0), None)
    assert "before" not in str(headline)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("width", WIDTHS)
def test_compared_page_fits(view: Breakdown | None, width: int) -> None:
    """With the time before beside them the rows are whole lines still; the bar and the share give way first."""
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=False, markup=False, highlight=False, emoji=False)
    for part in failures(compared(), view):
        if isinstance(part, Grid) and "ERROR" not in part.headings:
            (laid,) = laid_out([part], console)
            console.print(laid)
    lines = out.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    if view is Breakdown.TYPE:
        assert ("BAR" in lines[1]) == (width > 80)
        assert "…" not in "".join(lines)


@pytest.mark.parametrize("view", VIEWS)
def test_sheet_has_plain_numbers(view: Breakdown | None) -> None:
    """For programs a view is one table of numbers without bars, rates from 0 to 1, whatever its page shows."""
    grid = sheet(compared(), view)
    assert not {"BAR", "TREND", "CHANGE"} & set(grid.headings)
    assert all(not isinstance(cell, Drawn) for row in grid.rows for cell in row)
    assert {len(row) for row in grid.rows} == {len(grid.headings)}
    assert len(grid.rows) == {Breakdown.HOUR: 24, Breakdown.DAY: 24, None: 5, Breakdown.TYPE: 5}.get(view, 3)


def test_what_is_left_out_is_said() -> None:
    """A page of one customer and one model says so in its first line."""
    headline = failures(replace(report(), user_id=UUID(int=7), model="veo\x1b[2J"), None)[0]
    assert isinstance(headline, str)
    assert headline.split("\n")[0].endswith(f", customer {UUID(int=7)}, model veo\\x1b[2J")
