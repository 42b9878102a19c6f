"""Ending queued batches for which nothing was frozen, in the transaction that decided it; their customers are told."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from batchctl.domain.batch import BatchStatus, MalformedBatch, QueuedBatch, Refusal
from batchctl.domain.webhook import Event
from batchctl.service.outbox import NewEvent, write_events
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import batches


def refuse(
    world: World,
    tx: Conn,
    refused: Sequence[QueuedBatch | MalformedBatch],
    refusals: Sequence[tuple[UUID, Refusal]],
    now: datetime,
) -> None:
    """End locked queued batches, each for its reason, and write the events that say so."""
    if not refused:
        return
    batches.refuse(tx, refusals, now=now)
    events = [
        NewEvent(url=batch.webhook_url, event=_event(batch, reason, now))
        for batch, (_, reason) in zip(refused, refusals, strict=True)
    ]
    write_events(world, tx, events, now)


def _event(batch: QueuedBatch | MalformedBatch, reason: Refusal, now: datetime) -> Event:
    task_count = batch.task_count if isinstance(batch, MalformedBatch) else batch.total_count
    return Event(
        batch_id=str(batch.id),
        user_id=str(batch.user_id),
        status=BatchStatus.FAILED,
        total_count=batch.total_count or 0,
        success_count=0,
        failed_count=task_count,
        credits_spent=0,
        credits_refunded=0,
        reason=reason,
        timestamp_ms=int(now.timestamp() * 1000),
    )
