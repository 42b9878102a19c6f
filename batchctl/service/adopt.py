"""Getting what the original worker left behind back onto the ordinary way; a part of every pass, and moves no money."""

from datetime import datetime
from uuid import UUID

from batchctl.domain.adoption import Resolution, resolve
from batchctl.domain.webhook import Event
from batchctl.failpoint import Failpoint, reach
from batchctl.service.outbox import NewEvent, write_events
from batchctl.service.sets import Written, take_all
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import adoption, batches

ADOPTED_PER_PASS = 1000


def adopt(world: World, now: datetime) -> list[tuple[UUID, str]]:
    """Move such batches on; return those that had to be put on hold, each with its reason.

    A batch that moved within BATCH_CLAIM_TIMEOUT_SECONDS may still be in the original worker's hands.
    """
    written: Written[UUID, list[Resolution]] = take_all(
        world.db,
        ADOPTED_PER_PASS,
        lambda tx, limit, seen: _adopt(world, tx, limit, seen, now),
        lambda tx, offenders: batches.hold(tx, offenders, now=now),
    )
    resolved = [one for group in written.results for one in group]
    return [*((one.batch.id, one.hold_reason) for one in resolved if one.hold_reason is not None), *written.rejected]


def _adopt(world: World, tx: Conn, limit: int, seen: list[UUID], now: datetime) -> list[Resolution]:
    found = adoption.find(
        tx,
        quiet_since=now - world.limits.claim_timeout,
        missing_since=now - world.limits.incomplete_timeout,
        batch_limit=limit,
    )
    seen[:] = [batch.id for batch in found]
    resolved = [one for one in map(resolve, found) if one is not None]
    if resolved:
        adoption.resolve(tx, resolved, now=now)
        ended = [one for one in resolved if one.is_end]
        write_events(world, tx, [NewEvent(url=one.batch.webhook_url, event=_event(one, now)) for one in ended], now)
    reach(Failpoint.ADOPT_BEFORE_COMMIT, tx)
    return resolved


def _event(ended: Resolution, now: datetime) -> Event:
    batch = ended.batch
    return Event(
        batch_id=str(batch.id),
        user_id=str(batch.user_id),
        status=ended.status,
        total_count=batch.total_count or 0,
        success_count=batch.succeeded_count,
        failed_count=batch.failed_count,
        credits_spent=batch.credits_spent,
        credits_refunded=max(batch.frozen_credits - batch.credits_spent, 0),
        reason=batch.last_error,
        timestamp_ms=int(now.timestamp() * 1000),
    )
