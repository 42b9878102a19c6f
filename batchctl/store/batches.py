"""Statements on batch_jobs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.batch import (
    BatchLine,
    BatchStatus,
    FinishedBatch,
    MalformedBatch,
    QueuedBatch,
    Refusal,
    StartableBatch,
)
from batchctl.domain.batch_page import BatchDetail, DeliveryLine, TryLine, Wanted
from batchctl.domain.cancel import CancellableBatch
from batchctl.domain.credit import Settlement
from batchctl.domain.failure import FailureType
from batchctl.domain.retry import RetryableBatch
from batchctl.domain.wallet_page import OpenBatches
from batchctl.statement import Conn, NoRow, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id:
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    most_credits: int


_FIND_MALFORMED = Statement("batches/find_malformed", MalformedBatch)
_FIND_CLAIMABLE = Statement("batches/find_claimable", QueuedBatch)
_FREEZE = Statement("batches/freeze", NoRow)
_REFUSE = Statement("batches/refuse", NoRow)
_FIND_STARTABLE = Statement("batches/find_startable", StartableBatch)
_FIND_SETTLEABLE = Statement("batches/find_settleable", FinishedBatch)
_SETTLE = Statement("batches/settle", NoRow)
_HOLD = Statement("batches/hold", NoRow)
_INSERT = Statement("batches/insert", _Id)
_LIST = Statement("batches/list", BatchLine)
_MEASURE_ROOM = Statement("batches/measure_room", _Room)
_PICK = Statement("batches/pick", _Id)
_SHOW = Statement("batches/show", BatchDetail)
_DELIVERIES = Statement("batches/deliveries", DeliveryLine)
_TRIES = Statement("batches/tries", TryLine)
_SUM_OPEN = Statement("batches/sum_open", OpenBatches)
_LOCK = Statement("batches/lock", _Id)
_WEIGH_CANCEL = Statement("batches/weigh_cancel", CancellableBatch)
_CANCEL = Statement("batches/cancel", NoRow)
_WEIGH_RETRY = Statement("batches/weigh_retry", RetryableBatch)


def find_malformed(tx: Conn, *, missing_since: datetime, batch_limit: int) -> list[MalformedBatch]:
    """Find and lock queued batches that can never be claimed, or whose tasks were missing before `missing_since`."""
    return _FIND_MALFORMED.all(tx, missing_since=missing_since, batch_limit=batch_limit)


def find_claimable(tx: Conn, *, batch_limit: int) -> list[QueuedBatch]:
    """Find and lock complete queued batches, fairly between customers."""
    return _FIND_CLAIMABLE.all(tx, batch_limit=batch_limit)


def freeze(tx: Conn, frozen: Sequence[QueuedBatch], *, now: datetime) -> int:
    """Move batches to processing with their required credits frozen; return how many were still queued."""
    return _FREEZE.run(
        tx, ids=[batch.id for batch in frozen], frozen_credits=[batch.required_credits for batch in frozen], now=now
    )


def refuse(tx: Conn, refusals: Sequence[tuple[UUID, Refusal]], *, now: datetime) -> int:
    """End queued batches for which nothing could be frozen; return how many were still queued."""
    return _REFUSE.run(
        tx, ids=[batch_id for batch_id, _ in refusals], reasons=[str(reason) for _, reason in refusals], now=now
    )


def find_startable(
    tx: Conn, *, places: int, start_cap: int, pass_started_at: datetime, now: datetime
) -> list[StartableBatch]:
    """Find and lock batches with due tasks and room under the cap, oldest first."""
    return _FIND_STARTABLE.all(tx, places=places, start_cap=start_cap, pass_started_at=pass_started_at, now=now)


def find_settleable(
    tx: Conn, *, missing_since: datetime, left_out: Iterable[UUID], batch_limit: int
) -> list[FinishedBatch]:
    """Find and lock the oldest batches of which every task is finished, but none of the customers `left_out`.

    One that misses tasks and is younger than `missing_since` may still get them.
    """
    return _FIND_SETTLEABLE.all(tx, missing_since=missing_since, left_out=sorted(left_out), batch_limit=batch_limit)


def settle(tx: Conn, settlements: Sequence[tuple[Settlement, BatchStatus]], *, now: datetime) -> int:
    """Close the books of batches; return how many were still open."""
    return _SETTLE.run(
        tx,
        ids=[settlement.batch.id for settlement, _ in settlements],
        statuses=[str(status) for _, status in settlements],
        settlement_statuses=[str(settlement.status) for settlement, _ in settlements],
        success_counts=[settlement.batch.succeeded_count for settlement, _ in settlements],
        failed_counts=[settlement.batch.failed_count for settlement, _ in settlements],
        credits_spent=[settlement.spent for settlement, _ in settlements],
        webhook_statuses=["pending" if settlement.batch.webhook_url else None for settlement, _ in settlements],
        now=now,
    )


def hold(tx: Conn, reasons: Sequence[tuple[UUID, str]], *, now: datetime) -> int:
    """Put batches on hold; return how many were not yet."""
    return _HOLD.run(tx, ids=[batch_id for batch_id, _ in reasons], reasons=[text for _, text in reasons], now=now)


def lock(tx: Conn, ids: Sequence[UUID]) -> None:
    """Lock batches, waiting for whoever works on them."""
    _LOCK.all(tx, ids=list(ids))


def weigh_cancel(tx: Conn, ids: Sequence[UUID]) -> list[CancellableBatch]:
    """Say how batches stand that somebody wants to cancel, the newest first."""
    return _WEIGH_CANCEL.all(tx, ids=list(ids))


def cancel(tx: Conn, ids: Sequence[UUID], *, now: datetime) -> int:
    """Have nothing of these locked batches sent any more; return how many were open and not cancelled yet."""
    return _CANCEL.run(tx, ids=list(ids), now=now)


def weigh_retry(
    tx: Conn, ids: Sequence[UUID], *, failure_type: FailureType | None, task_ids: Sequence[UUID] | None
) -> list[RetryableBatch]:
    """Say what of batches' failed tasks, all or chosen ones, can be tried again; the newest batch first."""
    chosen = None if task_ids is None else list(task_ids)
    return _WEIGH_RETRY.all(tx, ids=list(ids), failure_type=failure_type, task_ids=chosen)


def insert(
    tx: Conn,
    *,
    user_id: UUID,
    total_count: int,
    cost_per_video: int,
    webhook_url: str | None,
    retry_of: UUID | None = None,
    now: datetime,
) -> UUID:
    """Enqueue a batch and return its id; its tasks follow in the same transaction."""
    return _INSERT.one(
        tx,
        user_id=user_id,
        total_count=total_count,
        cost_per_video=cost_per_video,
        webhook_url=webhook_url,
        retry_of=retry_of,
        now=now,
    ).id


def list_newest(tx: Conn, wanted: Wanted, *, batch_limit: int) -> list[BatchLine]:
    """List batches, the newest first."""
    return _LIST.all(
        tx,
        ids=None if wanted.ids is None else list(wanted.ids),
        statuses=[str(status) for status in wanted.statuses or BatchStatus],
        user_id=wanted.user_id,
        since=wanted.since,
        until=wanted.until,
        model=wanted.model,
        failure_type=wanted.failure_type,
        only_held=wanted.only_held,
        batch_limit=batch_limit,
    )


def list_of(tx: Conn, user_id: UUID) -> list[BatchLine]:
    """List all batches of a customer who has few, the oldest first."""
    return list_newest(tx, Wanted(user_id=user_id), batch_limit=1_000_000)[::-1]


def show(tx: Conn, batch_id: UUID) -> BatchDetail | None:
    """Return all that a batch's row says; None where there is no such batch."""
    return next(iter(_SHOW.all(tx, batch_id=batch_id)), None)


def deliveries(tx: Conn, batch_id: UUID, *, delivery_limit: int) -> list[DeliveryLine]:
    """List what the customer of a batch is told of it, the newest first."""
    return _DELIVERIES.all(tx, batch_id=batch_id, delivery_limit=delivery_limit)


def tries(tx: Conn, delivery_ids: Sequence[UUID], *, try_limit: int) -> list[TryLine]:
    """List so many tries of each delivery, the newest first."""
    return _TRIES.all(tx, delivery_ids=list(delivery_ids), try_limit=try_limit)


def sum_open(tx: Conn, user_id: UUID) -> OpenBatches:
    """Sum up what is frozen in the open batches of a customer."""
    return _SUM_OPEN.one(tx, user_id=user_id)


def most_credits(tx: Conn) -> int:
    """Say how many credits can be frozen for a batch in this database, whatever the wallet holds."""
    return _MEASURE_ROOM.one(tx).most_credits


def pick(tx: Conn, first: UUID, last: UUID, *, batch_limit: int) -> list[UUID]:
    """Find batches whose ids lie between two, both included."""
    return [row.id for row in _PICK.all(tx, first=first, last=last, batch_limit=batch_limit)]
