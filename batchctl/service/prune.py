"""Deletes finished history that nobody needs any more; money, batches and tasks stay."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

from batchctl.domain.problem import ConfigProblem
from batchctl.domain.prune import Prunable, PruneReport, need_old
from batchctl.service.world import World
from batchctl.store import prune as rows
from batchctl.store.prune import GoneDelivery

ROWS = 1000
"""Deleted in one transaction, so that nobody waits long for a lock and a run that is stopped has done its part."""

Gone = int | GoneDelivery
"""A pass (1), a late result (0), or an event."""
_RUN, _LATE_RESULT = 1, 0


def count(world: World, before: datetime) -> Prunable:
    """Count what is older, in a read-only look; UsageProblem when the instant is too near."""
    need_old(before, world.clock())
    return world.db.survey(lambda tx: rows.count(tx, before=before))


def preview(before: datetime, found: Prunable) -> PruneReport:
    """Report what would be deleted."""
    return _report(before, found, dry_run=True)


def prune(
    world: World, before: datetime, watch: Callable[[Iterable[Gone]], Iterator[Gone]] = iter
) -> tuple[PruneReport, int]:
    """Delete what is older, and return the report and the number of rows; `watch` sees each row go by.

    Raises UsageProblem when the instant is too near, ConfigProblem when the role may not. What is locked stays.
    """
    need_old(before, world.clock())
    if not world.db.ask(rows.may):
        message = "only the owner of the tables prunes: set BATCHCTL_DATABASE_URL to the login that runs `migrate`"
        raise ConfigProblem(message)
    now = world.clock()
    world.db.transact(lambda tx: rows.record(tx, before=before, now=now))
    runs = deliveries = attempts = late_results = 0
    for gone in watch(_delete(world, before)):
        match gone:
            case GoneDelivery():
                deliveries, attempts = deliveries + 1, attempts + gone.attempts
            case _:
                runs, late_results = runs + (gone == _RUN), late_results + (gone == _LATE_RESULT)
    found = Prunable(runs=runs, deliveries=deliveries, attempts=attempts, late_results=late_results)
    return _report(before, found, dry_run=False), found.total


def _delete(world: World, before: datetime) -> Iterator[Gone]:
    """Delete some rows after the other, and yield each that is gone for good."""
    after_id = UUID(int=0)
    while gone := world.db.transact(partial(rows.deliveries, before=before, after_id=after_id, row_limit=ROWS)):
        yield from gone
        after_id = gone[-1].id
    while number := world.db.transact(partial(rows.late_results, before=before, row_limit=ROWS)):
        yield from [_LATE_RESULT] * number
    while number := world.db.transact(partial(rows.runs, before=before, row_limit=ROWS)):
        yield from [_RUN] * number


def _report(before: datetime, found: Prunable, *, dry_run: bool) -> PruneReport:
    return PruneReport(
        dry_run=dry_run,
        before=before,
        runs=found.runs,
        deliveries=found.deliveries,
        attempts=found.attempts,
        late_results=found.late_results,
    )
