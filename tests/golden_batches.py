"""The pages of operators' commands about batches and tasks, from fixed values, for golden screens."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from batchctl.domain.batch import BatchStatus, SettlementStatus
from batchctl.domain.batch_page import BatchShow
from batchctl.domain.cancel import report as cancelled
from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.resolve import Decision, ResolveReport
from batchctl.domain.retry import report as retried
from batchctl.domain.task import TaskStatus
from batchctl.domain.task_page import ListedTask, TaskList, TaskShow
from batchctl.render import (
    batch,
    cancel,
    retry,
    task,
)
from batchctl.render.grid import Part
from batchctl.render.tables import with_whole_ids
from tests.golden import NOW
from tests.render import test_batch as a_batch
from tests.render import test_cancel as cancels
from tests.render import test_retry as retries
from tests.render import test_task as a_task
from tests.render import test_timeline as timelines

HOSTILE = "[red]内容违规[/red] \x1b[2J\x1b]0;owned\x07\u202egnp.exe 🎬👩‍👩‍👧 e\u0301\r\n\t"
"""Wide signs, emoji, marks, and what would do something to a terminal."""
MINUTE = timedelta(minutes=1)


def rehearsed_cancel() -> Sequence[Part]:
    """Return what a cancellation would do, with the question that follows without --dry-run."""
    report = cancelled([cancels.RUNNING, cancels.ENDED, cancels.HELD], is_rehearsal=True)
    return [cancel.table(report), cancel.summary(report), f"{cancel.samples(report)}\n{cancel.question(report)}"]


def done_cancel() -> Sequence[Part]:
    """Return what a cancellation did."""
    report = cancelled([cancels.RUNNING, cancels.ENDED, cancels.HELD], is_rehearsal=False)
    return [cancel.table(report), cancel.summary(report)]


def rehearsed_retry() -> Sequence[Part]:
    """Return what a retry would do, one batch of it being tried again already, and a wallet that is too small."""
    again = f"is tried again already by batch {UUID(int=0xBEEF << 112)}: --again tries it once more"
    poor = replace(retries.LINE, id=UUID(int=0xD7BC8737 << 96), tasks=1200, required_credits=12_000)
    report = retried(
        [retries.LINE, poor, replace(retries.LINE, id=UUID(int=1), left=again)], "batch.retry", is_rehearsal=True
    )
    warned = "\n".join(retry.shortages(report))
    return [retry.table(report), warned, retry.summary(report), f"{retry.samples(report)}\n{retry.question(report)}"]


def tasks() -> Sequence[Part]:
    """Return tasks in several states, what strangers wrote among them."""
    line = ListedTask(
        id=a_task.TASK.id,
        batch_id=a_task.TASK.batch_id,
        batch_index=4,
        status=TaskStatus.FAILED,
        model="sora-2",
        prompt="a paper boat on a river, seen from above, in the evening light",
        provider_id="14-3f2a9c01-7b6d-4e0f-8a55-1f2f3c4d5e6f",
        attempts=1,
        poll_count=20,
        failure_type="timeout",
        error="MAX_POLL_COUNT_REACHED:20",
        hold_reason=None,
        unknown_since=None,
        video_url=None,
        created_at=NOW - 60 * MINUTE,
        completed_at=NOW - 40 * MINUTE,
    )
    running = replace(line, id=UUID(int=2), status=TaskStatus.PROCESSING, failure_type=None, error=None, poll_count=3)
    doubt = replace(running, id=UUID(int=3), provider_id=None, unknown_since=NOW - 9 * MINUTE, poll_count=0)
    held = replace(doubt, id=UUID(int=4), hold_reason="SUBMIT_OUTCOME_UNKNOWN", completed_at=None)
    odd = replace(line, id=UUID(int=5), model=HOSTILE, prompt=HOSTILE, error=HOSTILE, provider_id=HOSTILE)
    running, doubt = (replace(one, completed_at=None) for one in (running, doubt))
    return [task.listing(TaskList(tasks=(line, running, doubt, held, odd), more=False))]


def a_failed_task() -> Sequence[Part]:
    """Return all about a task that failed, and of which a result came late."""
    failed = replace(
        a_task.TASK,
        status=TaskStatus.FAILED,
        prompt=f"一只纸船在河上漂流 {HOSTILE}",
        attempts=1,
        first_attempt_at=NOW - 50 * MINUTE,
        claimed_at=NOW - 50 * MINUTE,
        provider_id="14-3f2a9c01-7b6d-4e0f-8a55-1f2f3c4d5e6f",
        provider_host="https://grsai.dakka.com.cn",
        progress=80,
        poll_count=20,
        last_poll_at=NOW - 40 * MINUTE,
        completed_at=NOW - 40 * MINUTE,
        failure_type="timeout",
        error_message="MAX_POLL_COUNT_REACHED:20",
        retried_by=UUID(int=9),
        late_video_url="https://cdn.example/v/late.mp4",
        late_seen_at=NOW - 10 * MINUTE,
    )
    return task.page(TaskShow(as_of=NOW, task=failed))


def a_task_in_doubt() -> Sequence[Part]:
    """Return all about a task that waits for a decision."""
    doubtful = replace(
        a_task.TASK,
        status=TaskStatus.PROCESSING,
        hold_reason="SUBMIT_OUTCOME_UNKNOWN",
        attempts=1,
        first_attempt_at=NOW - 20 * MINUTE,
        claimed_at=NOW - 20 * MINUTE,
        unknown_since=NOW - 19 * MINUTE,
        blocked_by="network",
        last_error="the answer was lost: ReadTimeout",
    )
    return task.page(TaskShow(as_of=NOW, task=doubtful))


def decision() -> Sequence[Part]:
    """Return what was decided about a task."""
    report = ResolveReport(
        is_rehearsal=False,
        task_id=a_task.TASK.id,
        batch_id=a_task.TASK.batch_id,
        decision=Decision.ACCEPTED,
        status=TaskStatus.PROCESSING,
        provider_id="14-3f2a9c01-7b6d-4e0f-8a55-1f2f3c4d5e6f",
        unknown_since=NOW,
    )
    return [with_whole_ids(task.decided(report)), task.summary(report)]


def cancelled_batch() -> BatchShow:
    """Return a batch that was cancelled, of which tasks still run."""
    row = replace(a_batch.BATCH, cancelled_at=NOW - MINUTE, last_error="CANCELLED", request_id="order-4711")
    return replace(a_batch.SHOWN, batch=row, as_of=NOW)


def held_batch() -> BatchShow:
    """Return a batch on hold."""
    row = replace(a_batch.BATCH, hold_reason="WALLET_NOT_FOUND", receiver=None)
    return replace(a_batch.SHOWN, batch=row, as_of=NOW, failures=(), failed_tasks=())


def ended_batch() -> BatchShow:
    """Return a batch that has ended, and of which its customer could not be told."""
    started = a_batch.AT + MINUTE
    row = replace(
        timelines.ENDED.batch,
        credits_spent=100,
        success_count=10,
        failed_count=2,
        webhook_status=DeliveryStatus.FAILED,
        completed_at=a_batch.AT + 10 * MINUTE,
    )
    counts = replace(
        a_batch.COUNTS, pending=0, in_doubt=0, at_provider=0, succeeded=10, failed=2, first_sent_at=started
    )
    counts = replace(counts, last_finished_at=a_batch.AT + 9 * MINUTE)
    told = replace(a_batch.DELIVERY, status=DeliveryStatus.FAILED, attempts=12, next_attempt_at=None)
    return replace(
        a_batch.SHOWN,
        as_of=NOW,
        batch=replace(row, settlement_status=SettlementStatus.REFUNDED, status=BatchStatus.PARTIAL),
        tasks=counts,
        credits_refunded=20,
        deliveries=(told,),
    )


PAGES: dict[str, Callable[[], Sequence[Part]]] = {
    "batch-cancel": done_cancel,
    "batch-cancel-dry-run": rehearsed_cancel,
    "batch-retry-dry-run": rehearsed_retry,
    "batch-show-cancelled": lambda: batch.page(cancelled_batch()),
    "batch-show-ended": lambda: batch.page(ended_batch()),
    "batch-show-held": lambda: batch.page(held_batch()),
    "batch-watch": lambda: batch.watched(cancelled_batch()),
    "task-list": tasks,
    "task-resolve": decision,
    "task-show": a_failed_task,
    "task-show-in-doubt": a_task_in_doubt,
}
"""Pages by the names of their files."""
PIPED: dict[str, Callable[[], Sequence[Part]]] = {
    "batch-cancel": lambda: done_cancel()[:1],
    "batch-cancel-dry-run": lambda: rehearsed_cancel()[:1],
    "batch-retry-dry-run": lambda: rehearsed_retry()[:1],
    "task-resolve": lambda: decision()[:1],
}
"""What a pipe gets of those pages of which it gets less: what is said beside the data goes to stderr."""
