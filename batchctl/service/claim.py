"""Claiming queued batches: freeze their credits and set them going, or refuse them, in one transaction a group."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.batch import QueuedBatch, Refusal
from batchctl.domain.credit import Entry, Purse, moves
from batchctl.domain.problem import BusyProblem
from batchctl.failpoint import Failpoint, reach
from batchctl.service.refuse import refuse
from batchctl.service.sets import Written, take_all
from batchctl.service.unsent import close_refused
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import batches, ledger, wallets

MALFORMED_PER_PASS = 1000
"""Bound of a pass's refusals; what is over is left for the next pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What claiming came to."""

    frozen: int
    credits_frozen: int
    refusals: Counter[Refusal]
    held: list[tuple[UUID, str]]
    """Batches put on hold, with the reasons."""
    held_tasks: list[tuple[UUID, str]]
    """Tasks of refused batches put on hold, with the reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    frozen: Sequence[QueuedBatch]
    refusals: Sequence[tuple[UUID, Refusal]]


def claim(world: World, batch_limit: int | None = None) -> Claims:
    """Refuse malformed batches, claim and freeze others, and fail the tasks of refused ones.

    At most `batch_limit` are frozen, by default `max_claim`.
    """
    now = world.clock()
    batch_limit = world.limits.max_claim if batch_limit is None else batch_limit
    malformed: Written[UUID, _Group] = take_all(
        world.db,
        MALFORMED_PER_PASS,
        lambda tx, limit, seen: _refuse_malformed(world, tx, limit, seen, now),
        lambda tx, offenders: batches.hold(tx, offenders, now=now),
    )
    try:
        claimed = _take(world, batch_limit, now, wait=True)
    except BusyProblem:
        claimed = _take(world, batch_limit, now, wait=False)
    reach(Failpoint.CLAIM_AFTER_COMMIT)
    groups = [*malformed.results, *claimed.results]
    closed = close_refused(world, now)
    frozen = [batch for group in groups for batch in group.frozen]
    return Claims(
        frozen=len(frozen),
        credits_frozen=sum(batch.required_credits for batch in frozen),
        refusals=Counter(reason for group in groups for _, reason in group.refusals),
        held=[*malformed.rejected, *claimed.rejected],
        held_tasks=closed.rejected,
    )


def _take(world: World, batch_limit: int, now: datetime, *, wait: bool) -> Written[UUID, _Group]:
    """Claim a group; without `wait` it passes over customers whose wallet another transaction holds."""
    return take_all(
        world.db,
        batch_limit,
        lambda tx, limit, seen: _freeze(world, tx, limit, seen, now, wait=wait),
        lambda tx, offenders: batches.hold(tx, offenders, now=now),
    )


def _refuse_malformed(world: World, tx: Conn, limit: int, seen: list[UUID], now: datetime) -> _Group:
    found = batches.find_malformed(tx, missing_since=now - world.limits.incomplete_timeout, batch_limit=limit)
    seen[:] = [batch.id for batch in found]
    refusals = [(batch.id, batch.reason) for batch in found]
    refuse(world, tx, found, refusals, now)
    reach(Failpoint.REFUSE_BEFORE_COMMIT, tx)
    return _Group(frozen=[], refusals=refusals)


def _freeze(world: World, tx: Conn, limit: int, seen: list[UUID], now: datetime, *, wait: bool) -> _Group:
    found = batches.find_claimable(tx, batch_limit=limit)
    seen[:] = [batch.id for batch in found]
    locked = wallets.lock(tx, (batch.user_id for batch in found), wait=wait)
    purses = {user_id: Purse(wallet, now) for user_id, wallet in locked.wallets.items()}
    frozen: list[QueuedBatch] = []
    refused: list[QueuedBatch] = []
    refusals: list[tuple[UUID, Refusal]] = []
    entries: list[Entry] = []
    for batch in found:
        if batch.user_id in locked.busy:
            continue  # It stays queued, and the next pass asks again.
        match _ask(purses.get(batch.user_id), batch):
            case Refusal() as reason:
                refused.append(batch)
                refusals.append((batch.id, reason))
            case taken:
                frozen.append(batch)
                entries.extend(taken)
    if frozen:
        batches.freeze(tx, frozen, now=now)
    if entries:
        wallets.move(tx, moves(entries), now=now)
        ledger.insert(tx, entries, now=now)
    refuse(world, tx, refused, refusals, now)
    reach(Failpoint.CLAIM_BEFORE_COMMIT, tx)
    return _Group(frozen=frozen, refusals=refusals)


def _ask(purse: Purse | None, batch: QueuedBatch) -> list[Entry] | Refusal:
    """Freeze from a purse; a batch that costs nothing needs none."""
    if purse is not None:
        return purse.freeze(batch)
    return Refusal.WALLET_NOT_FOUND if batch.required_credits else []
