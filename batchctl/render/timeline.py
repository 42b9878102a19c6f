"""When what happened to a batch, what an operator may want to do about it now, and how it stands in one line."""

from collections.abc import Iterator

from batchctl.domain.batch import BatchStatus, SettlementStatus
from batchctl.domain.batch_page import BatchShow
from batchctl.domain.delivery import DeliveryStatus
from batchctl.render.grid import Grid
from batchctl.render.times import span


def timeline(shown: BatchShow) -> Grid:
    """Show when each step of a batch's life was taken, with its distance from the one before; none that was not."""
    batch, counts = shown.batch, shown.tasks
    is_settled = batch.settlement_status is not SettlementStatus.PENDING
    frozen_at = [entry.created_at for entry in shown.ledger if entry.ref_type == "batch_upfront" and entry.created_at]
    told_at = [one.delivered_at for one in shown.deliveries if one.delivered_at is not None]
    steps = (
        ("created", batch.created_at),
        ("claimed", min(frozen_at, default=None)),
        ("first task sent", counts.first_sent_at),
        ("cancelled", batch.cancelled_at),
        ("last task finished", counts.last_finished_at),
        ("settled" if is_settled else "ended", batch.completed_at),
        ("customer told", min(told_at, default=None)),
    )
    taken = sorted(((at, what) for what, at in steps if at is not None), key=lambda step: step[0])
    rows = [
        (what, at, f"{span(at - before)} later" if number else "")
        for number, ((at, what), (before, _)) in enumerate(zip(taken, taken[:1] + taken[:-1], strict=True))
    ]
    return Grid(headings=("TIMELINE", "AT", ""), rows=tuple(rows))


def advice(shown: BatchShow) -> Iterator[str]:
    """Name the commands that fit how a batch stands."""
    batch, counts = shown.batch, shown.tasks
    if batch.cancelled_at is not None and counts.pending and batch.hold_reason is None:
        yield f"cancelled: the next pass fails its {counts.pending} unsent tasks"
    if shown.has_ended and counts.failed and batch.retried_by is None:
        yield f"try its failed tasks again: batchctl batch retry {str(batch.id)[:8]} --dry-run"
    if shown.has_ended and not shown.deliveries and batch.receiver is not None:
        yield f"its customer was never told: batchctl webhook resend {str(batch.id)[:8]}"
    elif any(one.status is DeliveryStatus.FAILED for one in shown.deliveries):
        yield f"its customer could not be told: batchctl webhook resend {str(batch.id)[:8]}"


def change(shown: BatchShow) -> str:
    """Say in one line how a batch stands."""
    batch, counts = shown.batch, shown.tasks
    total = max(batch.total_count or 0, counts.total)
    parts = [
        f"{batch.status}, {counts.succeeded + counts.failed} of {total} finished",
        f"{counts.failed} failed" if counts.failed else "",
        f"{counts.at_provider} at the provider" if counts.at_provider else "",
        f"{counts.in_doubt} being sent or in doubt" if counts.in_doubt else "",
        f"{counts.pending} pending" if counts.pending else "",
        "cancelled" if batch.cancelled_at is not None else "",
        f"ON HOLD: {batch.hold_reason}" if batch.hold_reason is not None else "",
        f"{counts.on_hold} tasks ON HOLD" if counts.on_hold else "",
    ]
    if batch.status not in (BatchStatus.QUEUED, BatchStatus.PROCESSING):
        parts.append(f"{batch.credits_spent} credits charged, {shown.credits_refunded} given back")
        parts.append(batch.last_error or "")
    return ", ".join(part for part in parts if part)
