"""Cancelling batches: from then on nothing of them is sent, and what was not sent fails; what runs is let finish.

The cancellation is a mark in the batch's own row, under whose lock tasks are claimed for sending, and `next_step`
follows from it. So either a task was claimed before, or it never is: neither a pass under way nor a task that is handed
back later gets past it, and where this breaks off the next pass fails the tasks that are left.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from batchctl.domain.action import Command
from batchctl.domain.batch import MalformedBatch, Refusal
from batchctl.domain.batch_page import Wanted
from batchctl.domain.cancel import CancellableBatch, CancelLine, CancelReport, line, report
from batchctl.service.actions import acting
from batchctl.service.refuse import refuse
from batchctl.service.sets import write_all
from batchctl.service.unsent import UNSENT_TASKS_PER_PASS, close_refused
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import batches

BATCHES_AT_ONCE = 200
"""In one transaction, so that passes never wait long for one."""


def rehearse(world: World, wanted: Wanted, *, batch_limit: int) -> CancelReport:
    """Say what cancelling would mean now; nothing is written or locked."""

    def look(tx: Conn) -> list[CancelLine]:
        ids = [batch.id for batch in batches.list_newest(tx, wanted, batch_limit=batch_limit)]
        return [line(batch) for batch in batches.weigh_cancel(tx, ids)]

    return report(world.db.survey(look), is_rehearsal=True)


def cancel(world: World, batch_ids: Sequence[UUID], command: Command) -> CancelReport:
    """Cancel batches, group by group; those that have ended or are cancelled are left, whatever was true before."""
    lines: list[CancelLine] = []
    with acting(world, command) as tally:
        tally.matched_count = len(batch_ids)
        for first in range(0, len(batch_ids), BATCHES_AT_ONCE):
            lines += _cancel_group(world, batch_ids[first : first + BATCHES_AT_ONCE])
            done = report(lines, is_rehearsal=False)
            tally.changed_count, tally.credits = done.cancelled, done.credits_back
    return report(lines, is_rehearsal=False)


def _cancel_group(world: World, batch_ids: Sequence[UUID]) -> list[CancelLine]:
    now = world.clock()
    written = write_all(world.db, batch_ids, lambda tx, ids: _write(world, tx, ids, now))
    lines = [told for group in written.results for told in group]
    refused = dict(written.rejected)
    found = world.db.ask(lambda tx: batches.weigh_cancel(tx, list(refused))) if refused else []
    lines += [line(batch, f"was refused by the database: {refused[batch.id]}") for batch in found]
    _close(world, [told.id for told in lines if told.unsent], now)
    return lines


def _write(world: World, tx: Conn, batch_ids: Sequence[UUID], now: datetime) -> list[CancelLine]:
    batches.lock(tx, batch_ids)
    found = batches.weigh_cancel(tx, batch_ids)
    doomed = [batch for batch in found if batch.left is None]
    if doomed:
        batches.cancel(tx, [batch.id for batch in doomed], now=now)
        queued = [_unpaid(batch) for batch in doomed if batch.is_queued]
        refuse(world, tx, queued, [(batch.id, batch.reason) for batch in queued], now)
    return [line(batch) for batch in found]


def _unpaid(batch: CancellableBatch) -> MalformedBatch:
    return MalformedBatch(
        id=batch.id,
        user_id=batch.user_id,
        reason=Refusal.CANCELLED,
        total_count=batch.total_count,
        task_count=batch.task_count,
        webhook_url=batch.webhook_url,
    )


def _close(world: World, batch_ids: Sequence[UUID], now: datetime) -> None:
    """Fail what was not sent, in bounded groups; what somebody else holds at this moment is left for the next pass."""
    is_whole = bool(batch_ids)
    while is_whole:
        closed = close_refused(world, now, batch_ids)
        is_whole = sum(closed.results) + len(closed.rejected) >= UNSENT_TASKS_PER_PASS
