"""The page of a batch: what it waits for is said, what an operator must see to stands at the top."""

import io
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from rich.cells import cell_len

from batchctl.domain.batch import BatchStatus, SettlementStatus
from batchctl.domain.batch_page import BatchDetail, BatchShow, DeliveryLine, FailureCount, TaskCounts, TaskLine, TryLine
from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.task import TaskStatus
from batchctl.domain.wallet_page import EntryType, LedgerLine
from batchctl.render.batch import page
from batchctl.render.grid import Grid, plain
from batchctl.render.tables import print_page

AT = datetime(2026, 1, 31, 9, tzinfo=UTC)
BATCH = BatchDetail(
    id=UUID("0033894e-7d3c-4c5f-9a55-1f2f3c4d5e6f"),
    user_id=UUID("7e5e7bba-0000-4000-8000-000000000001"),
    status=BatchStatus.PROCESSING,
    next_step="poll",
    hold_reason=None,
    last_error=None,
    total_count=12,
    cost_per_video=10,
    frozen_credits=120,
    credits_spent=0,
    settlement_status=SettlementStatus.PENDING,
    success_count=0,
    failed_count=0,
    receiver="https://customer.example",
    webhook_status=None,
    webhook_attempts=0,
    webhook_last_error=None,
    request_id=None,
    created_at=AT - timedelta(minutes=5),
    enqueued_at=None,
    completed_at=None,
)
COUNTS = TaskCounts(
    total=12,
    pending=2,
    in_doubt=1,
    at_provider=5,
    succeeded=3,
    failed=1,
    on_hold=0,
    hold_reason=None,
    start_due_at=AT + timedelta(seconds=15),
    in_doubt_since=AT - timedelta(minutes=3),
    poll_due_at=AT - timedelta(seconds=7),
)
TASK = TaskLine(
    id=UUID(int=1),
    batch_index=4,
    status=TaskStatus.FAILED,
    model="sora-2",
    prompt="a paper boat",
    provider_id="task_0001",
    attempts=1,
    poll_count=20,
    failure_type="timeout",
    error="MAX_POLL_COUNT_REACHED:20",
    hold_reason=None,
    video_url=None,
)
DELIVERY = DeliveryLine(
    id=UUID(int=2),
    event_type="batch.partial",
    status=DeliveryStatus.RETRYING,
    receiver="https://customer.example",
    attempts=2,
    created_at=AT,
    next_attempt_at=AT + timedelta(minutes=30),
    delivered_at=None,
    last_status_code=503,
    last_error="HTTP 503",
)
SHOWN = BatchShow(
    as_of=AT,
    batch=BATCH,
    fill_until=None,
    tasks=COUNTS,
    failures=(FailureCount(failure_type="timeout", count=1),),
    failed_tasks=(TASK,),
    frozen_permanent=90,
    frozen_bonus=30,
    credits_refunded=0,
    ledger=(
        LedgerLine(
            id=1,
            created_at=AT,
            type=EntryType.SPEND,
            ref_type="batch_upfront",
            ref_id=str(BATCH.id),
            bucket="permanent",
            credits_delta=-90,
            balance_after=910,
            reason=None,
            operator=None,
        ),
    ),
    deliveries=(),
    tries=(),
    task_list=None,
)


def of(**changed: Any) -> BatchShow:
    """Change what the batch's row says."""
    return replace(SHOWN, batch=replace(BATCH, **changed))


def told(shown: BatchShow) -> str:
    """Return the page as a pipe gets it."""
    return "\n".join(plain(part) for part in page(shown))


def head(shown: BatchShow) -> dict[str, str]:
    """Return what the page says first."""
    grid = next(part for part in page(shown) if isinstance(part, Grid))
    return {str(name): str(value) for name, value in grid.rows}


def on_terminal(shown: BatchShow, columns: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the lines of the page on a terminal."""
    monkeypatch.setenv("COLUMNS", str(columns))
    out = io.StringIO()
    with redirect_stdout(out):
        print_page(page(shown))
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("changed", "next_"),
    [
        ({"next_step": "refuse", "status": "queued"}, "malformed: the next pass refuses it"),
        ({"next_step": "claim", "status": "queued"}, "complete: waits for a pass to claim it and freeze its credits"),
        ({"next_step": "start"}, "has tasks to send: waits for passes to send them"),
        ({"next_step": "poll"}, "waits for the provider; passes ask for its tasks"),
        ({"next_step": "settle"}, "all tasks are finished: the next pass settles it"),
        ({"next_step": "close", "status": "failed"}, "refused or cancelled: the next pass fails its unsent tasks"),
        ({"next_step": "adopt"}, "left so by the original worker: passes put it right, or put it on hold"),
        ({"next_step": "something new"}, "something new"),
        ({"next_step": None, "status": "completed"}, "nothing: it has ended"),
        ({"next_step": None, "status": "partial", "webhook_status": "sent"}, "nothing: it has ended"),
        (
            {"next_step": None, "status": "failed", "webhook_status": "retrying"},
            "ended; its customer is still to be told",
        ),
        ({"next_step": None, "status": "processing"}, "nothing that a pass does"),
    ],
)
def test_what_happens_next_is_said(changed: dict[str, Any], next_: str) -> None:
    """Each step of a batch's life is a sentence."""
    changed = changed | {"status": BatchStatus(changed.get("status", "processing"))}

    assert head(of(**changed))["next"] == next_


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(minutes=9, seconds=59), "waits for its tasks, of which 3 of 12 are there, for 9 min more"),
        (timedelta(0), "waits for its tasks, of which 3 of 12 are there, no longer: the next pass refuses it"),
        (None, "waits for its tasks, of which 3 of 12 are there"),
    ],
)
def test_missing_tasks_are_waited_for_so_long(left: timedelta | None, said: str) -> None:
    """A batch whose tasks are not all there says how many are, and how long it waits."""
    filling = of(next_step="fill", status=BatchStatus.QUEUED)
    until = None if left is None else AT + left

    assert head(replace(filling, fill_until=until, tasks=replace(COUNTS, total=3)))["next"] == said


def test_hold_is_the_first_thing_said() -> None:
    """A batch on hold says why, and how it is released, before anything else."""
    first = page(of(hold_reason="overflow", next_step=None))[0]

    assert isinstance(first, str)
    assert first.startswith("THE BATCH IS ON HOLD: overflow\n")
    assert first.split("\n")[2] == f"  batchctl hold release {BATCH.id}"
    assert head(of(hold_reason="overflow", next_step=None))["next"] == "nothing, until it is released"


def test_held_tasks_are_said_first_too() -> None:
    """Tasks on hold are counted at the top, with a reason and where it is said what to do."""
    first = page(replace(SHOWN, tasks=replace(COUNTS, on_hold=2, hold_reason="in doubt", poll_due_at=None)))[0]

    assert str(first).startswith(
        "2 OF ITS TASKS ON HOLD: in doubt\n`batchctl hold list` says why. Mend the cause, then"
    )


def test_error_and_request_id_are_said_when_there_are() -> None:
    """What is not there takes no line."""
    assert "error" not in head(SHOWN)
    assert "request id" not in head(SHOWN)
    with_both = head(of(last_error="INSUFFICIENT_CREDITS", request_id="order-17"))
    assert (with_both["error"], with_both["request id"]) == ("INSUFFICIENT_CREDITS", "order-17")


@pytest.mark.parametrize(
    ("total", "succeeded", "failed", "progress"),
    [
        (12, 3, 1, "████████░░░░░░░░░░░░░░░░ 4 of 12 finished, 1 of them failed"),
        (12, 12, 0, "████████████████████████ 12 of 12 finished"),
        (None, 0, 0, "░░░░░░░░░░░░░░░░░░░░░░░░ 0 of 2 finished"),
        (-5, 2, 0, "████████████████████████ 2 of 2 finished"),
    ],
)
def test_progress_is_a_bar(total: int | None, succeeded: int, failed: int, progress: str) -> None:
    """The bar is as full as tasks are finished, whatever the row says of their number."""
    counts = replace(COUNTS, total=2, succeeded=succeeded, failed=failed)

    assert head(replace(of(total_count=total), tasks=counts))["progress"] == progress


def test_a_batch_without_tasks_is_a_page() -> None:
    """Nothing at all is no error."""
    none = TaskCounts(
        total=0,
        pending=0,
        in_doubt=0,
        at_provider=0,
        succeeded=0,
        failed=0,
        on_hold=0,
        hold_reason=None,
        start_due_at=None,
        in_doubt_since=None,
        poll_due_at=None,
    )
    empty = replace(of(total_count=None, cost_per_video=None, created_at=None), tasks=none, failures=(), ledger=())

    assert "0 of 0 finished" in told(empty)
    assert "none\t0" in told(empty)


def test_tasks_say_what_they_wait_for() -> None:
    """Each state says since when or until when; states without tasks take no line."""
    assert (
        "pending\t2\tput off, the first for 15 s more\n"
        "being sent or in doubt\t1\tthe first since 3 min\n"
        "at the provider\t5\tthe first is due since 7 s\n"
        "succeeded\t3\t\n"
        "failed\t1\t"
    ) in told(SHOWN)
    now = replace(COUNTS, start_due_at=AT, poll_due_at=AT, succeeded=0)
    later = replace(COUNTS, start_due_at=None, poll_due_at=AT + timedelta(hours=2))
    assert "pending\t2\tsent as soon as a place is free\n" in told(replace(SHOWN, tasks=now))
    assert "at the provider\t5\tdue\n" in told(replace(SHOWN, tasks=now))
    assert "succeeded" not in told(replace(SHOWN, tasks=now))
    assert "pending\t2\ton hold\n" in told(replace(SHOWN, tasks=later))
    assert "at the provider\t5\tthe first is asked for in 2 h\n" in told(replace(SHOWN, tasks=later))


def test_tasks_of_a_batch_that_is_not_under_way_wait_for_it() -> None:
    """Before its batch is claimed, or while it is on hold, no task is said to be sent."""
    for waiting in (of(status=BatchStatus.QUEUED), of(hold_reason="stuck")):
        assert "pending\t2\t\n" in told(waiting)


def test_failures_are_counted_and_shown_by_examples() -> None:
    """How many failed in which way, and a few of them with what the provider said."""
    assert "timeout\t1" in told(SHOWN)
    assert "4\ttimeout\ttask_0001\t20\tMAX_POLL_COUNT_REACHED:20" in told(SHOWN)
    many = replace(SHOWN, tasks=replace(COUNTS, failed=7), failures=(FailureCount(failure_type=None, count=7),))
    grid = next(part for part in page(many) if isinstance(part, Grid) and part.headings[0] == "FAILED TASK")
    assert grid.caption == "1 of 7 failed tasks: --tasks lists all"
    assert "none said\t7" in told(many)


def test_listed_tasks_name_their_hold() -> None:
    """With --tasks each task is a line; one on hold says so in place of its error."""
    lines = told(replace(SHOWN, task_list=(TASK, replace(TASK, batch_index=None, status=None, hold_reason="stuck"))))

    assert "4\tfailed\tsora-2\t1\t20\ttask_0001\tMAX_POLL_COUNT_REACHED:20\ta paper boat" in lines
    assert "\t\tsora-2\t1\t20\ttask_0001\tON HOLD: stuck\ta paper boat" in lines


def test_customer_who_is_not_told_yet() -> None:
    """Without an event the page says whether there will be one."""
    assert told(SHOWN).endswith("its customer is told when it ends")
    assert told(of(receiver=None)).endswith("its customer is not to be told: it has no webhook address")


def attempt(number: int, **changed: Any) -> TryLine:
    """Build a try."""
    line = TryLine(
        delivery_id=DELIVERY.id, attempt=number, started_at=AT, duration_ms=81, status_code=503, error="HTTP 503"
    )
    return replace(line, **changed)


def test_deliveries_show_each_try() -> None:
    """Every event says when it is tried next, and every try what came of it."""
    lost = attempt(1, duration_ms=None, status_code=None, error=None)
    lines = told(replace(SHOWN, deliveries=(DELIVERY,), tries=(attempt(2), lost)))

    assert "batch.partial\tretrying\t2\tin 30 min\thttps://customer.example" in lines
    assert "batch.partial\t2\t2026-01-31T09:00:00Z\t81\t503\tHTTP 503" in lines
    assert "batch.partial\t1\t2026-01-31T09:00:00Z\t\t\tunder way, or its worker died" in lines


@pytest.mark.parametrize(
    ("changed", "next_"),
    [
        ({"next_attempt_at": AT}, "now"),
        ({"next_attempt_at": None, "last_error": "ENDPOINT_DISABLED"}, "waits: ENDPOINT_DISABLED"),
        ({"next_attempt_at": None, "last_error": None}, "waits"),
        ({"status": DeliveryStatus.SENT, "next_attempt_at": None}, ""),
        ({"status": DeliveryStatus.FAILED, "next_attempt_at": None}, ""),
    ],
)
def test_next_try_is_said(changed: dict[str, Any], next_: str) -> None:
    """A delivery that is not over says what it waits for."""
    shown = replace(SHOWN, deliveries=(replace(DELIVERY, **changed),))

    assert f"\t2\t{next_}\thttps://customer.example" in told(shown)


def test_of_many_tries_the_newest_are_shown() -> None:
    """A receiver that was tried a thousand times fills no screen; how many are left out is said."""
    tries = tuple(attempt(number) for number in range(1000, 0, -1))
    parts = page(replace(SHOWN, deliveries=(replace(DELIVERY, attempts=1000),), tries=tries))
    grid = parts[-1]

    assert isinstance(grid, Grid)
    assert [row[1] for row in grid.rows] == list(range(1000, 990, -1))
    assert grid.caption == "990 earlier ones: --json has them"


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_page_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """No line is longer than the terminal is wide; ids that are searched for stay whole."""
    whole = replace(SHOWN, deliveries=(DELIVERY,), tries=(attempt(1), attempt(2)), task_list=(TASK,) * 3)
    lines = on_terminal(whole, columns, monkeypatch)

    assert max(map(cell_len, lines)) <= columns
    assert str(BATCH.id) in "\n".join(lines)
    assert str(BATCH.user_id) in "\n".join(lines)
