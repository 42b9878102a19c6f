"""The overview as a page: on one screen of 80 columns, what an operator must see to at the top."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from batchctl.domain.breaker import OpenBreaker
from batchctl.domain.overview import Day, Hour, LastRun, Overview, Queues, every_day, every_hour
from batchctl.domain.pause import Pause, Stage
from batchctl.render.drawn import NONE
from batchctl.render.grid import Grid, plain
from batchctl.render.overview import figures, page
from batchctl.render.tables import laid_out, print_whole

NOW = datetime(2026, 1, 31, 9, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
QUEUES = Queues(
    queued_count=3,
    queued_since=NOW - 12 * MINUTE,
    processing_count=17,
    unsettled_count=1,
    unsettled_since=NOW - timedelta(seconds=4),
    held_batch_count=0,
    held_task_count=0,
    pending_count=1_200_345,
    in_flight_count=45,
    poll_due_count=12,
    poll_due_since=NOW - timedelta(seconds=35),
    delivery_due_count=2,
    delivery_due_since=NOW - 5 * MINUTE,
    orphan_count=0,
    orphan_since=None,
)
BUSY = Overview(
    as_of=NOW,
    queues=QUEUES,
    hours=every_hour(
        [
            Hour(start=NOW - timedelta(hours=ago), succeeded=900 - 30 * ago, failed=ago if ago < 20 else 600)
            for ago in range(1, 24)
        ],
        NOW,
    ),
    succeeded=12_420,
    failed=2_590,
    success_rate=0.827,
    days=every_day(
        [
            Day(start=datetime(2026, 1, day, tzinfo=UTC), frozen=day * 1000, spent=day * 900, refunded=day * 100)
            for day in range(27, 32)
        ],
        NOW,
    ),
    account=None,
    last_run=LastRun(started_at=NOW - timedelta(seconds=12), duration_ms=230, host="worker-1", exit_code=0),
    pauses=(),
)
NOTHING: dict[str, Any] = {field.name: 0 if field.name.endswith("count") else None for field in fields(Queues)}
IDLE = replace(
    BUSY,
    queues=Queues(**NOTHING),
    hours=every_hour([], NOW),
    succeeded=0,
    failed=0,
    success_rate=None,
    days=every_day([], NOW),
    last_run=None,
)
TROUBLED = replace(
    BUSY,
    queues=replace(QUEUES, held_batch_count=1, held_task_count=20, orphan_count=3, orphan_since=NOW - 9 * MINUTE),
    account=OpenBreaker(
        opened_at=NOW - 20 * MINUTE,
        reason="HTTP 401: \x1b[2Jkey",
        probe_at=NOW + MINUTE,
        probe_count=4,
        waiting_count=120,
    ),
    pauses=(
        Pause(stage=Stage.SETTLE, paused_at=NOW - MINUTE, os_user="night", host="desk", reason="books \x1b]0;x\x07"),
    ),
    last_run=LastRun(started_at=NOW - 20 * MINUTE, duration_ms=9, host="w", exit_code=69),
)


def lines(shown: Overview, width: int) -> list[str]:
    """Return the lines of the page on a terminal."""
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=False, markup=False, highlight=False, emoji=False)
    for part in laid_out(page(shown), console, now=NOW):
        print_whole(part, console)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("shown", [BUSY, IDLE])
def test_page_is_one_screen(shown: Overview, width: int) -> None:
    """The page, with a line that --watch adds, fits on 24 lines of 80 columns, and nothing on it is cut."""
    on_screen = lines(shown, width)
    assert len(on_screen) + 1 <= 24
    assert max(map(cell_len, on_screen)) <= width
    assert "…" not in "".join(on_screen)


def test_ages_stand_beside_numbers() -> None:
    """How long the oldest is due is said beside how many are; nothing where there is none."""
    _, queues, courses = page(BUSY)
    assert isinstance(queues, Grid)
    assert {str(name).strip(): (number, age) for name, number, age in queues.rows} == {
        "batches queued": (3, "12 min"),
        "batches processing": (17, ""),
        "of them to settle": (1, "4 s"),
        "tasks pending": (1_200_345, ""),
        "tasks in flight": (45, ""),
        "of them due for a poll": (12, "35 s"),
        "of them orphaned": (0, ""),
        "webhook tries due": (2, "5 min"),
    }
    assert isinstance(courses, Grid)
    by_name = {str(name): list(map(str, rest)) for name, *rest in courses.rows}
    assert by_name["tasks finished"][:2] == ["871", "15010"]
    assert by_name["success rate"][:2] == ["99.9%", "82.7%"]
    assert by_name["credits charged"] == ["27900", "130500", "▁▁█████"]
    assert {len(rest[2]) for rest in by_name.values()} == {24, 7}


def test_hour_without_a_task_has_no_rate() -> None:
    """An hour in which nothing ended is neither a success nor a failure."""
    _, _, courses = page(IDLE)
    assert isinstance(courses, Grid)
    rate = next(row for row in courses.rows if row[0] == "success rate")
    assert (str(rate[1]), str(rate[2]), str(rate[3]).strip()) == (NONE, NONE, "")
    assert page(IDLE)[0] == "2026-01-31T09:15:00Z; no pass has had work yet"


def test_trouble_stands_at_the_top() -> None:
    """Pauses, a refused account and rows on hold are said, and no text of a stranger does anything to the terminal."""
    on_screen = lines(TROUBLED, 120)
    assert on_screen[0].startswith("SETTLE IS PAUSED since ")
    assert "by night@desk: books \\x1b]0;x\\x07" in on_screen[0]
    assert on_screen[1].startswith("THE PROVIDER REFUSES OUR ACCOUNT since ")
    assert "(20 min ago): HTTP 401: \\x1b[2Jkey; 120 tasks waiting" in on_screen[1]
    assert "last pass 20 min ago on w, exit code 69" in on_screen[3]
    assert on_screen[2] == "ON HOLD: 1 batch and 20 tasks; `batchctl hold list` says why"
    assert "\x1b" not in "".join(map(plain, page(TROUBLED)))


def by_name(shown: Overview) -> dict[object, object]:
    """Return the figures by their names."""
    return {name: value for name, value in figures(shown).rows}  # noqa: C416 - rows have as many cells as they have


def test_figures_are_numbers_by_name() -> None:
    """For programs each figure has a name and a number, ages in seconds; what is not there is empty."""
    named = by_name(TROUBLED)
    assert (named["queued_batches"], named["queued_age_s"], named["orphan_age_s"]) == (3, 720, 540)
    assert (named["success_rate_24h"], named["spent_credits_today"], named["account_refused"]) == (0.827, 27_900, 1)
    assert (named["paused_stages"], named["last_run_age_s"]) == (1, 1200)
    assert by_name(IDLE)["poll_due_age_s"] is None
