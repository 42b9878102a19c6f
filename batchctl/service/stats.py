"""Statistics for operators, each of one moment of the database."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from batchctl.domain.latency import LatencyReport, tell_parts
from batchctl.domain.moment import moment
from batchctl.domain.new_task import is_storable
from batchctl.domain.overview import Overview, every_day, every_hour, first_day, first_hour
from batchctl.domain.problem import Problem, ShortageProblem, UsageProblem
from batchctl.domain.stats import SHOWN, Cut, FailureReport, ratio, tell
from batchctl.domain.window import HOUR, divide
from batchctl.service.pick import pick
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import breaker, pauses, stats

DEFAULT_WINDOW = timedelta(hours=24)

Report = TypeVar("Report")


def failures(
    world: World,
    *,
    since: str | None = None,
    until: str | None = None,
    batches: Sequence[str] = (),
    user_id: UUID | None = None,
    model: str | None = None,
    bucket: timedelta | None = None,
) -> FailureReport:
    """Count what finished and what failed of it in a window: the last 24 hours, or what `since` and `until` say.

    `batches` are ids or their beginnings: then only those count, from when they began; without them the window is
    compared with the time before it. `bucket` is an hour or a day, where the length of the window is not to decide.
    Raises UsageProblem for times, batches and models that mean nothing, Problem when the window holds more than the
    database can count in its time.
    """
    _need_model(model)
    begin, end = _window(world, since, until)
    batch_ids = pick(world.db, batches)
    cut = Cut(batch_ids=tuple(batch_ids) or None, user_id=user_id, model=model)

    def look(tx: Conn) -> FailureReport:
        window = divide(_begin(tx, begin, end, batch_ids), end, bucket)
        if not batch_ids:
            window = window.compared()
        counts = stats.count_finished(tx, window, cut=cut, key_limit=SHOWN)
        return tell(window, counts, stats.count_late(tx, window, cut=cut), cut=cut)

    return _survey(world, look)


def overview(world: World) -> Overview:
    """Say how everything stands. Raises Problem when a day holds more than the database can count in its time."""
    now = world.clock()
    host = None if world.provider is None else world.provider.host

    def look(tx: Conn) -> Overview:
        hours = every_hour(stats.hours(tx, since=first_hour(now), until=now), now)
        succeeded, failed = sum(hour.succeeded for hour in hours), sum(hour.failed for hour in hours)
        return Overview(
            as_of=now,
            queues=stats.queues(tx, orphaned_before=now - world.limits.claim_timeout, now=now),
            hours=hours,
            succeeded=succeeded,
            failed=failed,
            success_rate=ratio(succeeded, succeeded + failed),
            days=every_day(stats.days(tx, since=first_day(now), until=now), now),
            account=None if host is None else breaker.find(tx, provider_host=host),
            last_run=stats.last_run(tx),
            pauses=tuple(pauses.list_all(tx)),
        )

    return _survey(world, look)


def latency(
    world: World,
    *,
    since: str | None = None,
    until: str | None = None,
    user_id: UUID | None = None,
    model: str | None = None,
) -> LatencyReport:
    """Measure how long the parts of the way took for what ended in a window: the last 24 hours, unless told otherwise.

    Raises UsageProblem for times that mean nothing, Problem when the window holds more than the database can measure.
    """
    _need_model(model)
    begin, end = _window(world, since, until)

    def look(tx: Conn) -> LatencyReport:
        window = divide(_begin(tx, begin, end, ()), end)
        lines = stats.latency(tx, since=window.since, until=window.until, user_id=user_id, model=model)
        return LatencyReport(
            since=window.since, until=window.until, user_id=user_id, model=model, parts=tell_parts(lines)
        )

    return _survey(world, look)


def _need_model(model: str | None) -> None:
    if model is not None and not is_storable(model):
        raise UsageProblem("--model must be text without NUL, as the database can hold it")


def _window(world: World, since: str | None, until: str | None) -> tuple[datetime | None, datetime]:
    now = world.clock()
    return None if since is None else moment(since, now), now if until is None else moment(until, now)


def _survey(world: World, look: Callable[[Conn], Report]) -> Report:
    try:
        return world.db.survey(look)
    except ShortageProblem as problem:
        message = "the database could not count so many tasks at once: ask for a shorter window (--since, --until)"
        raise Problem(message) from problem


def _begin(tx: Conn, given: datetime | None, end: datetime, batch_ids: Sequence[UUID]) -> datetime:
    """Choose when a window begins that ends at `end`."""
    if given is not None:
        return given
    try:
        # However young a batch is, or in the future by the clock of the application that made it, an hour is shown.
        return min(stats.find_beginning(tx, batch_ids), end - HOUR) if batch_ids else end - DEFAULT_WINDOW
    except OverflowError:  # --until is in the year 1
        return end
