"""How everything stands at one moment: what is open, what came of the last day, the credits of the last week."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from batchctl.domain.breaker import OpenBreaker
from batchctl.domain.pause import Pause
from batchctl.domain.window import DAY, HOUR

HOURS = 24
DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """What is open, each with the time since when its oldest is due or waits; None where there is none."""

    queued_count: int
    """Batches that wait to be claimed, or for their tasks."""
    queued_since: datetime | None
    processing_count: int
    """Batches under way, the unsettled ones among them."""
    unsettled_count: int
    """Batches whose tasks have all ended."""
    unsettled_since: datetime | None
    held_batch_count: int
    held_task_count: int
    pending_count: int
    """Tasks that are still to be sent."""
    in_flight_count: int
    """Tasks sent, or being sent."""
    poll_due_count: int
    poll_due_since: datetime | None
    delivery_due_count: int
    delivery_due_since: datetime | None
    orphan_count: int
    """Tasks that were claimed for sending long ago and have no provider's id: BATCH_ORPHAN_POLICY decides on them."""
    orphan_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """Tasks that ended in an hour; those that were never sent are not among them."""

    start: datetime
    succeeded: int
    failed: int

    @property
    def finished(self) -> int:
        """Return how many ended."""
        return self.succeeded + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Credits of a day in UTC."""

    start: datetime
    frozen: int
    spent: int
    refunded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The last pass that did something."""

    started_at: datetime
    duration_ms: int
    host: str
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All of it."""

    schema: str = "batchctl/stats.overview/1"
    as_of: datetime
    queues: Queues
    hours: tuple[Hour, ...]
    """The last 24 times sixty minutes, the latest one last."""
    succeeded: int
    """In these hours, as what follows."""
    failed: int
    success_rate: float | None
    """succeeded / (succeeded + failed), 0..1; None when nothing ended."""
    days: tuple[Day, ...]
    """The last seven days in UTC, today's beginning last."""
    account: OpenBreaker | None
    """What is known of a provider that refuses our account; None: it takes it, or there is no key to ask with."""
    last_run: LastRun | None
    pauses: tuple[Pause, ...]
    """Stages that take no new work until an operator lets them go on."""


def first_hour(now: datetime) -> datetime:
    """Return when the last 24 times sixty minutes began."""
    return now - HOURS * HOUR


def first_day(now: datetime) -> datetime:
    """Return when the first of the last seven days began in UTC, today being one of them."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - (DAYS - 1) * DAY


def every_hour(counted: Iterable[Hour], now: datetime) -> tuple[Hour, ...]:
    """Return each of the hours, those without a task too."""
    known = {hour.start: hour for hour in counted}
    starts = (first_hour(now) + number * HOUR for number in range(HOURS))
    return tuple(known.get(start) or Hour(start=start, succeeded=0, failed=0) for start in starts)


def every_day(summed: Iterable[Day], now: datetime) -> tuple[Day, ...]:
    """Return each of the days, those without credits too."""
    known = {day.start: day for day in summed}
    starts = (first_day(now) + number * DAY for number in range(DAYS))
    return tuple(known.get(start) or Day(start=start, frozen=0, spent=0, refunded=0) for start in starts)


def age(since: datetime | None, now: datetime) -> timedelta | None:
    """Return how long something is due; not less than nothing, whatever another clock says."""
    return None if since is None else max(now - since, timedelta(0))
