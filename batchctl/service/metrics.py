"""Reads the figures that machines watch, in one look at the database."""

from datetime import timedelta

from batchctl.domain.metrics import Measured
from batchctl.service.doctor import GRACE
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import doctor, metrics, pauses

LATELY = timedelta(hours=1)
"""What ended is counted for so long, so that the cost does not grow with history."""


def measure(world: World) -> Measured:
    """Read how things stand; changes nothing."""
    now, limits = world.clock(), world.limits
    since = now - LATELY

    def look(tx: Conn) -> Measured:
        backlog = doctor.backlog(
            tx,
            overdue_before=now - limits.task_deadline - GRACE,
            orphaned_before=now - limits.claim_timeout - GRACE,
            missing_since=now - limits.incomplete_timeout,
            now=now,
        )
        return Measured(
            now=now,
            backlog=backlog,
            open_batches=tuple(metrics.open_batches(tx)),
            open_deliveries=tuple(metrics.open_deliveries(tx)),
            ended_tasks=tuple(metrics.ended_tasks(tx, since=since)),
            ended_batches=tuple(metrics.ended_batches(tx, since=since)),
            paused=tuple(pause.stage for pause in pauses.list_all(tx)),
        )

    return world.db.survey(look)
