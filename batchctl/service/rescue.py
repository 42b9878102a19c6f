"""Rescuing tasks that nobody works on any more: orphaned submissions, and tasks that never got through in time."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.failure import FailureType
from batchctl.domain.provider import OutcomeUnknown
from batchctl.domain.submission import ClaimedTask, SubmissionRecord, decide
from batchctl.domain.task import TaskStatus
from batchctl.failpoint import Failpoint, reach
from batchctl.service.sets import take_all
from batchctl.service.unsent import fail_overdue
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import tasks

RESCUED_PER_PASS = 1000
ORPHANED = "its worker was gone before the provider's answer was stored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescued:
    """What the rescue came to."""

    failed: int
    """Tasks whose time in doubt, or whose deadline, is over."""
    unknown: int
    """Orphans found now: nobody knows whether the provider accepted them."""
    held: list[tuple[UUID, str]]


def rescue(world: World) -> Rescued:
    """Decide about orphans by BATCH_ORPHAN_POLICY, and fail what could not be submitted before its deadline."""
    now = world.clock()
    orphans = take_all(
        world.db,
        RESCUED_PER_PASS,
        lambda tx, limit, seen: _rescue_orphans(world, tx, limit, seen, now),
        lambda tx, offenders: tasks.hold(tx, offenders, now=now),
    )
    reach(Failpoint.RESCUE_AFTER_COMMIT)
    overdue = fail_overdue(world, now)
    decided = [pair for group in orphans.results for pair in group]
    known = [record for task, record in decided if task.unknown_since is not None]
    return Rescued(
        failed=sum(overdue.results) + sum(record.status is TaskStatus.FAILED for record in known),
        unknown=len(decided) - len(known),
        held=[
            *orphans.rejected,
            *overdue.rejected,
            *((record.id, record.hold_reason) for _, record in decided if record.hold_reason is not None),
        ],
    )


def _rescue_orphans(
    world: World, tx: Conn, limit: int, seen: list[UUID], now: datetime
) -> list[tuple[ClaimedTask, SubmissionRecord]]:
    found = tasks.find_orphans(
        tx,
        claimed_before=now - world.limits.claim_timeout,
        unknown_before=now - world.limits.orphan_hold,
        first_attempt_before=now - world.limits.task_deadline,
        task_limit=limit,
    )
    seen[:] = [task.id for task in found]
    records = [_decide(world, task, now) for task in found]
    if records:
        tasks.record_submissions(tx, records, now=now)
    reach(Failpoint.RESCUE_BEFORE_COMMIT, tx)
    return list(zip(found, records, strict=True))


def _decide(world: World, task: ClaimedTask, now: datetime) -> SubmissionRecord:
    calls_back = world.provider is not None and world.provider.calls_back
    answer = OutcomeUnknown(failure_type=task.blocked_by or FailureType.TIMEOUT, error=ORPHANED)
    return decide(task, answer, world.limits, now, world.random, calls_back=calls_back)
