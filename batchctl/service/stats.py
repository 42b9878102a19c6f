"""Statistics for operators, each of one moment of the database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from batchctl.db import ShortageProblem
from batchctl.domain.moment import moment
from batchctl.domain.problem import Problem
from batchctl.domain.stats import HOUR, SHOWN, FailureReport, divide, tell
from batchctl.service.pick import pick
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import stats

DEFAULT_WINDOW = timedelta(hours=24)


def failures(
    world: World,
    *,
    since: str | None = None,
    until: str | None = None,
    batches: Sequence[str] = (),
    bucket: timedelta | None = None,
) -> FailureReport:
    """Count what finished and what failed of it in a window: the last 24 hours, or what `since` and `until` say.

    `batches` are ids or their beginnings: then only those count, from when they began. `bucket` is an hour or a day,
    where the length of the window is not to decide. Raises UsageProblem for times and batches that mean nothing,
    Problem when the window holds more than the database can count in its time.
    """
    now = world.clock()
    end = now if until is None else moment(until, now)
    begin = None if since is None else moment(since, now)
    batch_ids = pick(world.db, batches) or None

    def look(tx: Conn) -> FailureReport:
        window = divide(_begin(tx, begin, end, batch_ids), end, bucket)
        counts = stats.count_finished(tx, window, batch_ids=batch_ids, key_limit=SHOWN)
        late_count = stats.count_late(tx, window, batch_ids=batch_ids)
        return tell(window, counts, late_count, batch_ids=batch_ids)

    try:
        return world.db.survey(look)
    except ShortageProblem as problem:
        message = "the database could not count so many tasks at once: ask for a shorter window (--since, --until)"
        raise Problem(message) from problem


def _begin(tx: Conn, given: datetime | None, end: datetime, batch_ids: Sequence[UUID] | None) -> datetime:
    """Choose when a window begins that ends at `end`."""
    if given is not None:
        return given
    try:
        # However young a batch is, or in the future by the clock of the application that made it, an hour is shown.
        return min(stats.find_beginning(tx, batch_ids), end - HOUR) if batch_ids else end - DEFAULT_WINDOW
    except OverflowError:  # --until is in the year 1
        return end
