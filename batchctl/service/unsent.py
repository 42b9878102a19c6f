"""Failing tasks that wait to be sent and never will be: of refused or cancelled batches, or past their deadline."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from batchctl.domain.submission import UnsentTask
from batchctl.failpoint import Failpoint, reach
from batchctl.service.sets import Written, take_all
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import tasks

REFUSED_BATCHES_PER_PASS = 1000
UNSENT_TASKS_PER_PASS = 10_000
"""Bounds of a pass's work; what is over is left for the next pass."""


def close_refused(world: World, now: datetime, batch_ids: Sequence[UUID] | None = None) -> Written[UUID, int]:
    """Fail the pending tasks of refused and cancelled batches, of all or some, with the error of their batch.

    A refused batch fails whole (contract §2); of a cancelled one, what was sent is let finish. Returns how many failed.
    """
    return _fail(
        world,
        lambda tx, limit: tasks.find_unclosed(
            tx, batch_ids=batch_ids, batch_limit=REFUSED_BATCHES_PER_PASS, task_limit=limit
        ),
        now,
    )


def fail_overdue(world: World, now: datetime) -> Written[UUID, int]:
    """Fail what could not be submitted before BATCH_TASK_DEADLINE_SECONDS; return how many."""
    before = now - world.limits.task_deadline
    return _fail(world, lambda tx, limit: tasks.find_overdue(tx, first_attempt_before=before, task_limit=limit), now)


def _fail(world: World, find: Callable[[Conn, int], Sequence[UnsentTask]], now: datetime) -> Written[UUID, int]:
    def fail(tx: Conn, limit: int, seen: list[UUID]) -> int:
        found = find(tx, limit)
        seen[:] = [task.id for task in found]
        failed = tasks.fail_unsent(tx, found, now=now) if found else 0
        reach(Failpoint.CLOSE_BEFORE_COMMIT, tx)
        return failed

    return take_all(world.db, UNSENT_TASKS_PER_PASS, fail, lambda tx, offenders: tasks.hold(tx, offenders, now=now))
