"""What became of tasks in a window of time: the counts that the database gives, and the report made of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from batchctl.domain.failure import FailureType
from batchctl.domain.problem import UsageProblem

Key = TypeVar("Key")

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BY_HOUR_UP_TO = timedelta(hours=48)
"""A longer window is divided into days, unless hours are asked for."""
MAX_BUCKETS = 10_000
"""Over a year of hours, or 27 years of days."""
SHOWN = 20
"""So many models, reasons, customers and errors are told one by one; of the rest only how many there are."""
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of time, divided into buckets that begin at whole hours or days in UTC; the first and last may be cut."""

    since: datetime
    until: datetime
    """Itself left out."""
    bucket: timedelta

    @property
    def starts(self) -> list[datetime]:
        """Return when each bucket begins."""
        first = self.since - (self.since - _EPOCH) % self.bucket
        return [first + number * self.bucket for number in range(-((first - self.until) // self.bucket))]


def divide(since: datetime, until: datetime, bucket: timedelta | None = None) -> Window:
    """Divide a span into buckets, hours or days as suits its length; UsageProblem when it is empty or too long."""
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    if since >= until:
        raise UsageProblem(
            f"the window must end after it begins, not {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
        )
    length = until - since
    bucket = bucket or (HOUR if length <= BY_HOUR_UP_TO else DAY)
    if length / bucket > MAX_BUCKETS:
        unit = "hours" if bucket == HOUR else "days"
        raise UsageProblem(f"{since:%Y-%m-%d} to {until:%Y-%m-%d} is more than {MAX_BUCKETS} {unit}: ask for less")
    return Window(since=since, until=until, bucket=bucket)


class Breakdown(StrEnum):
    """By what failures are shown when one view is asked for."""

    TYPE = "type"
    MODEL = "model"
    REASON = "reason"
    HOUR = "hour"
    DAY = "day"
    CUSTOMER = "customer"

    @property
    def bucket(self) -> timedelta | None:
        """Return the bucket that the view asks for; None where the length of the window decides."""
        return {Breakdown.HOUR: HOUR, Breakdown.DAY: DAY}.get(self)


class Dimension(StrEnum):
    """By what tasks were counted."""

    TYPE = "type"
    MODEL = "model"
    REASON = "reason"
    CUSTOMER = "customer"
    ERROR = "error"
    NOT_STARTED = "not started"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedCount:
    """Ended tasks that have something in common: a bucket and a type, or one value of another dimension."""

    dimension: Dimension
    bucket_at: datetime | None
    failure_type: FailureType | None
    """None for the tasks of a bucket that did not fail."""
    key: str
    """The value of that dimension, cut to 200 characters; empty where they have none, and for a bucket."""
    succeeded_count: int
    failed_count: int
    not_started_count: int
    credits_refunded: int
    """What those that failed have given back so far, by the settlement of their batches."""
    last_ended_at: datetime
    task_id: UUID | None
    """The last one with an error."""
    key_count: int
    """How many values the dimension has in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally(Generic[Key]):
    """Failures that have something in common."""

    key: Key
    failed: int
    finished: int
    """Out of so many: of the model or the customer; of all, where the key says something about failures only."""
    share: float | None
    """Of all failures, 0..1; None when there are none."""
    rate: float | None
    """failed / finished, 0..1; None when nothing finished."""
    credits_refunded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What finished in an hour or a day."""

    start: datetime
    finished: int
    failed: int
    rate: float | None
    by_type: dict[FailureType, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An error, with the last task that has it."""

    error: str | None
    count: int
    last_seen_at: datetime
    task_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotStarted:
    """Tasks that ended with their batch before it was paid for."""

    reason: str | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureReport:
    """The statistics of failures. Finished means succeeded or failed; what was never started is in no rate."""

    schema: str = "batchctl/stats.failures/1"
    since: datetime
    until: datetime
    batch_ids: tuple[UUID, ...] | None
    """None: all batches."""
    finished: int
    succeeded: int
    failed: int
    rate: float | None
    credits_refunded: int
    by_type: tuple[Tally[FailureType], ...]
    by_model: tuple[Tally[str | None], ...]
    by_reason: tuple[Tally[str | None], ...]
    by_customer: tuple[Tally[UUID], ...]
    bucket_seconds: int
    trend: tuple[Bucket, ...]
    samples: tuple[Sample, ...]
    not_started: int
    not_started_by_reason: tuple[NotStarted, ...]
    left_out: dict[Dimension, int]
    """How many more models, reasons and so on there are than are told one by one."""
    late_results: int
    """Came after their tasks had been failed; never charged (contract §1)."""


def tell(
    window: Window, counts: Iterable[FinishedCount], late_count: int, *, batch_ids: Sequence[UUID] | None
) -> FailureReport:
    """Make the report of what was counted in a window."""
    of: dict[Dimension, list[FinishedCount]] = {dimension: [] for dimension in Dimension}
    for count in counts:
        of[count.dimension].append(count)
    succeeded = sum(count.succeeded_count for count in of[Dimension.TYPE])
    failed = sum(count.failed_count for count in of[Dimension.TYPE])
    finished = succeeded + failed

    def tally(key: Key, counts: Sequence[FinishedCount], *, out_of: int) -> Tally[Key]:
        of_key = sum(count.failed_count for count in counts)
        refunded = sum(count.credits_refunded for count in counts)
        share, rate = _ratio(of_key, failed), _ratio(of_key, out_of)
        return Tally(key=key, failed=of_key, finished=out_of, share=share, rate=rate, credits_refunded=refunded)

    types = {kind: [count for count in of[Dimension.TYPE] if count.failure_type is kind] for kind in FailureType}
    return FailureReport(
        since=window.since,
        until=window.until,
        batch_ids=None if batch_ids is None else tuple(batch_ids),
        finished=finished,
        succeeded=succeeded,
        failed=failed,
        rate=_ratio(failed, finished),
        credits_refunded=sum(count.credits_refunded for count in of[Dimension.TYPE]),
        by_type=tuple(tally(kind, counts, out_of=finished) for kind, counts in types.items()),
        by_model=tuple(tally(one.key or None, [one], out_of=_finished(one)) for one in of[Dimension.MODEL]),
        by_reason=tuple(tally(one.key or None, [one], out_of=finished) for one in of[Dimension.REASON]),
        by_customer=tuple(tally(UUID(one.key), [one], out_of=_finished(one)) for one in of[Dimension.CUSTOMER]),
        bucket_seconds=int(window.bucket.total_seconds()),
        trend=_trend(window, of[Dimension.TYPE]),
        samples=tuple(
            Sample(error=one.key or None, count=one.failed_count, last_seen_at=one.last_ended_at, task_id=one.task_id)
            for one in of[Dimension.ERROR]
        ),
        not_started=sum(count.not_started_count for count in of[Dimension.TYPE]),
        not_started_by_reason=tuple(
            NotStarted(reason=one.key or None, count=one.not_started_count) for one in of[Dimension.NOT_STARTED]
        ),
        left_out={
            dimension: of[dimension][0].key_count - len(of[dimension]) if of[dimension] else 0
            for dimension in Dimension
            if dimension is not Dimension.TYPE
        },
        late_results=late_count,
    )


def _trend(window: Window, counts: Iterable[FinishedCount]) -> tuple[Bucket, ...]:
    """Put counts into their buckets; those without any are there too."""
    finished = dict.fromkeys(window.starts, 0)
    failed = {start: dict.fromkeys(FailureType, 0) for start in finished}
    for count in counts:
        if count.bucket_at is not None:
            finished[count.bucket_at] += _finished(count)
            if count.failure_type is not None:
                failed[count.bucket_at][count.failure_type] += count.failed_count
    return tuple(
        Bucket(
            start=start,
            finished=finished[start],
            failed=sum(by_type.values()),
            rate=_ratio(sum(by_type.values()), finished[start]),
            by_type=by_type,
        )
        for start, by_type in failed.items()
    )


def _finished(count: FinishedCount) -> int:
    return count.succeeded_count + count.failed_count


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
