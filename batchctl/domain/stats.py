"""What became of tasks in a window of time: the counts that the database gives, and the report made of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from batchctl.domain.failure import FailureType
from batchctl.domain.window import DAY, HOUR, Window

Key = TypeVar("Key")

SHOWN = 20
"""So many models, reasons, customers and errors are told one by one; of the rest only how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Which tasks count: all, unless something is named."""

    batch_ids: tuple[UUID, ...] | None = None
    user_id: UUID | None = None
    model: str | None = None


EVERYTHING = Cut()


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
    succeeded_before: int
    """In the window before, as failed_before."""
    failed_before: int
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
    failed_before: int
    """In the window before, as what follows; nothing where there is none."""
    finished_before: int
    rate_before: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The equally long time before a window."""

    since: datetime
    until: datetime
    finished: int
    failed: int
    rate: float | None


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
    """Tasks that were never sent: they ended with their batch before it was paid for, or were cancelled."""

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
    user_id: UUID | None
    """None: all customers."""
    model: str | None
    """None: all models."""
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
    before: Before | None
    """None where batches are named: they are told from their beginning."""


def tell(window: Window, counts: Iterable[FinishedCount], late_count: int, *, cut: Cut = EVERYTHING) -> FailureReport:
    """Make the report of what was counted in a window."""
    of: dict[Dimension, list[FinishedCount]] = {dimension: [] for dimension in Dimension}
    for count in counts:
        of[count.dimension].append(count)
    succeeded = sum(count.succeeded_count for count in of[Dimension.TYPE])
    failed = sum(count.failed_count for count in of[Dimension.TYPE])
    finished = succeeded + failed
    finished_before = sum(map(_finished_before, of[Dimension.TYPE]))

    def tally(
        key: Key, counts: Sequence[FinishedCount], *, out_of: int = finished, out_of_before: int = finished_before
    ) -> Tally[Key]:
        of_key = sum(count.failed_count for count in counts)
        of_key_before = sum(count.failed_before for count in counts)
        return Tally(
            key=key,
            failed=of_key,
            finished=out_of,
            share=ratio(of_key, failed),
            rate=ratio(of_key, out_of),
            credits_refunded=sum(count.credits_refunded for count in counts),
            failed_before=of_key_before,
            finished_before=out_of_before,
            rate_before=ratio(of_key_before, out_of_before),
        )

    def of_its_own(key: Key, one: FinishedCount) -> Tally[Key]:
        return tally(key, [one], out_of=_finished(one), out_of_before=_finished_before(one))

    types = {kind: [count for count in of[Dimension.TYPE] if count.failure_type is kind] for kind in FailureType}
    return FailureReport(
        since=window.since,
        until=window.until,
        batch_ids=cut.batch_ids,
        user_id=cut.user_id,
        model=cut.model,
        finished=finished,
        succeeded=succeeded,
        failed=failed,
        rate=ratio(failed, finished),
        credits_refunded=sum(count.credits_refunded for count in of[Dimension.TYPE]),
        by_type=tuple(tally(kind, counts) for kind, counts in types.items()),
        by_model=tuple(of_its_own(one.key or None, one) for one in of[Dimension.MODEL]),
        by_reason=tuple(tally(one.key or None, [one]) for one in of[Dimension.REASON]),
        by_customer=tuple(of_its_own(UUID(one.key), one) for one in of[Dimension.CUSTOMER]),
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
        before=_before(window, of[Dimension.TYPE]),
    )


def _before(window: Window, counts: Sequence[FinishedCount]) -> Before | None:
    if window.compared_since is None:
        return None
    finished, failed = sum(map(_finished_before, counts)), sum(count.failed_before for count in counts)
    return Before(
        since=window.compared_since,
        until=window.since,
        finished=finished,
        failed=failed,
        rate=ratio(failed, finished),
    )


def _trend(window: Window, counts: Iterable[FinishedCount]) -> tuple[Bucket, ...]:
    """Put counts into their buckets; those without any are there too."""
    finished = dict.fromkeys(window.starts, 0)
    failed = {start: dict.fromkeys(FailureType, 0) for start in finished}
    for count in counts:
        if count.bucket_at is not None and count.bucket_at in finished:  # and not one of the time before
            finished[count.bucket_at] += _finished(count)
            if count.failure_type is not None:
                failed[count.bucket_at][count.failure_type] += count.failed_count
    return tuple(
        Bucket(
            start=start,
            finished=finished[start],
            failed=sum(by_type.values()),
            rate=ratio(sum(by_type.values()), finished[start]),
            by_type=by_type,
        )
        for start, by_type in failed.items()
    )


def _finished(count: FinishedCount) -> int:
    return count.succeeded_count + count.failed_count


def _finished_before(count: FinishedCount) -> int:
    return count.succeeded_before + count.failed_before


def ratio(part: int, whole: int) -> float | None:
    """Return what part of a whole it is, 0..1; None where there is no whole."""
    return part / whole if whole else None
