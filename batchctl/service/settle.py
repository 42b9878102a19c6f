"""Settling finished batches: charge what succeeded, give back the rest, tell the customer; one transaction a group."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.batch import FinishedBatch
from batchctl.domain.credit import (
    Entry,
    Purse,
    Settlement,
    SettlementImpossibleError,
    moves,
    settlement,
)
from batchctl.domain.pause import Stage
from batchctl.domain.problem import BusyProblem
from batchctl.domain.report import Finding, SettleReport
from batchctl.domain.webhook import Event
from batchctl.failpoint import Failpoint, reach
from batchctl.service import pauses
from batchctl.service.adopt import adopt
from batchctl.service.outbox import NewEvent, write_events
from batchctl.service.sets import Written, take_all
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import batches, ledger, wallets

NO_WALLET = "WALLET_NOT_FOUND: the refund has no wallet to go to"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    settled: Sequence[Settlement]
    held: Sequence[tuple[UUID, str]]
    busy: AbstractSet[UUID]
    """Customers whose wallet another transaction holds; their batches are left for the next pass."""


def settle(world: World) -> SettleReport:
    """Settle up to `max_settle` finished batches, the oldest first, each exactly once; none while it is paused."""
    if paused := pauses.of(world, Stage.SETTLE):
        return SettleReport(paused=paused)
    now = world.clock()
    left_behind = adopt(world, now)
    settled: list[Settlement] = []
    held = left_behind
    busy: set[UUID] = set()
    while (places := world.limits.max_settle - len(settled)) > 0:
        try:
            written = _take(world, places, busy, now, wait=True)
        except BusyProblem:
            written = _take(world, places, busy, now, wait=False)
        reach(Failpoint.SETTLE_AFTER_COMMIT)
        settled += [closed for group in written.results for closed in group.settled]
        held += [*written.rejected, *(pair for group in written.results for pair in group.held)]
        found_busy = {user_id for group in written.results for user_id in group.busy}
        if not found_busy:
            break
        busy |= found_busy
    return SettleReport(
        settled=len(settled),
        credits_spent=sum(one.spent for one in settled),
        credits_refunded=sum(one.refunded for one in settled),
        findings=tuple(Finding(message=f"batch {batch_id} is on hold: {reason}") for batch_id, reason in held),
    )


def _take(world: World, limit: int, busy: AbstractSet[UUID], now: datetime, *, wait: bool) -> Written[UUID, _Group]:
    """Settle a group, but nothing of `busy` customers; without `wait` nor of those whose wallet is locked now."""
    return take_all(
        world.db,
        limit,
        lambda tx, number, seen: _settle(world, tx, number, seen, busy, now, wait=wait),
        lambda tx, offenders: batches.hold(tx, offenders, now=now),
    )


def _settle(
    world: World, tx: Conn, limit: int, seen: list[UUID], busy: AbstractSet[UUID], now: datetime, *, wait: bool
) -> _Group:
    found = batches.find_settleable(
        tx, missing_since=now - world.limits.incomplete_timeout, left_out=busy, batch_limit=limit
    )
    seen[:] = [batch.id for batch in found]
    locked = wallets.lock(tx, (batch.user_id for batch in found), wait=wait)
    purses = {user_id: Purse(wallet, now) for user_id, wallet in locked.wallets.items()}
    settled: list[Settlement] = []
    entries: list[Entry] = []
    held: list[tuple[UUID, str]] = []
    for batch in found:
        if batch.user_id in locked.busy:
            continue
        try:
            closed, refunds = _close(batch, purses.get(batch.user_id))
        except SettlementImpossibleError as error:
            held.append((batch.id, str(error)))
        else:
            settled.append(closed)
            entries.extend(refunds)
    if settled:
        batches.settle(tx, [(one, one.final_status) for one in settled], now=now)
        write_events(world, tx, [NewEvent(url=one.batch.webhook_url, event=_event(one, now)) for one in settled], now)
    if entries:
        wallets.move(tx, moves(entries), now=now)
        ledger.insert(tx, entries, now=now)
    if held:
        batches.hold(tx, held, now=now)
    if settled:
        reach(Failpoint.SETTLE_BEFORE_COMMIT, tx)
    return _Group(settled=settled, held=held, busy=locked.busy)


def _close(batch: FinishedBatch, purse: Purse | None) -> tuple[Settlement, list[Entry]]:
    closed = settlement(batch)
    if not closed.refunded:
        return closed, []
    if purse is None:
        raise SettlementImpossibleError(NO_WALLET)
    return closed, purse.refund(closed)


def _event(closed: Settlement, now: datetime) -> Event:
    batch = closed.batch
    return Event(
        batch_id=str(batch.id),
        user_id=str(batch.user_id),
        status=closed.final_status,
        total_count=batch.total_count,
        success_count=batch.succeeded_count,
        failed_count=batch.failed_count,
        credits_spent=closed.spent,
        credits_refunded=closed.refunded,
        reason=batch.last_error,
        timestamp_ms=int(now.timestamp() * 1000),
    )
