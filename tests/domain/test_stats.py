"""Statistics: how a window is divided, and what is made of counts."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchctl.domain.failure import FailureType
from batchctl.domain.problem import UsageProblem
from batchctl.domain.stats import Bucket, Dimension, FailureReport, FinishedCount, tell
from batchctl.domain.window import DAY, HOUR, divide

NINE = datetime(2026, 1, 31, 9, tzinfo=UTC)
CUSTOMER = UUID(int=7)


def count(dimension: Dimension = Dimension.TYPE, **values: Any) -> FinishedCount:
    """Make a count of which only `values` are more than nothing."""
    nothing: dict[str, Any] = {
        "bucket_at": None,
        "failure_type": None,
        "key": "",
        "succeeded_count": 0,
        "failed_count": 0,
        "not_started_count": 0,
        "succeeded_before": 0,
        "failed_before": 0,
        "credits_refunded": 0,
        "last_ended_at": NINE,
        "task_id": None,
        "key_count": 1,
    }
    return FinishedCount(dimension=dimension, **(nothing | values))


def told(*counts: FinishedCount) -> FailureReport:
    """Tell counts of two hours."""
    return tell(divide(NINE, NINE + 2 * HOUR), counts, 0)


@pytest.mark.parametrize(
    ("since", "length", "bucket", "starts"),
    [
        (NINE, HOUR, None, [NINE]),
        (NINE + timedelta(minutes=59), timedelta(minutes=2), None, [NINE, NINE + HOUR]),
        (NINE - timedelta(microseconds=1), timedelta(microseconds=2), None, [NINE - HOUR, NINE]),
        (NINE, DAY, DAY, [NINE - 9 * HOUR, NINE + 15 * HOUR]),
        (NINE, timedelta(hours=48, microseconds=1), None, [NINE - 9 * HOUR + number * DAY for number in range(3)]),
    ],
)
def test_buckets_begin_at_whole_hours_and_days_in_utc(
    since: datetime, length: timedelta, bucket: timedelta | None, starts: list[datetime]
) -> None:
    """Buckets cover the window and no more; up to 48 hours they are hours, then days."""
    elsewhere = timezone(timedelta(hours=5, minutes=45))
    for zone in (UTC, elsewhere):
        window = divide(since.astimezone(zone), (since + length).astimezone(zone), bucket)
        assert window.starts == starts
        assert {start.tzinfo for start in window.starts} == {UTC}


def test_two_days_are_hours() -> None:
    """The longest window of hours has one for each of them, and one more when it does not begin with an hour."""
    assert len(divide(NINE, NINE + 2 * DAY).starts) == 48
    assert len(divide(NINE + timedelta(seconds=1), NINE + 2 * DAY).starts) == 48
    assert len(divide(NINE + timedelta(seconds=1), NINE + 2 * DAY + timedelta(seconds=1)).starts) == 49


@given(
    since=st.datetimes(min_value=datetime(1960, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone stands beside them
    length_s=st.integers(1, 8 * 10**8),
    bucket=st.sampled_from([None, DAY]),
)
def test_every_instant_of_a_window_has_one_bucket(since: datetime, length_s: int, bucket: timedelta | None) -> None:
    """The first bucket holds the beginning, the last one the last instant, and each follows the one before it."""
    window = divide(since, since + timedelta(seconds=length_s), bucket)
    starts = window.starts
    assert starts[0] <= window.since < starts[0] + window.bucket
    assert starts[-1] < window.until <= starts[-1] + window.bucket
    assert {after - before for before, after in pairwise(starts)} <= {window.bucket}


@pytest.mark.parametrize(
    ("until", "bucket", "said"),
    [
        (NINE, None, "the window must end after it begins, not 2026-01-31 09:00 to 2026-01-31 09:00 UTC"),
        (NINE - HOUR, HOUR, "must end after it begins"),
        (NINE + timedelta(days=10_001), None, "2026-01-31 to 2053-06-19 is more than 10000 days: ask for less"),
        (NINE + 10_001 * HOUR, HOUR, "is more than 10000 hours: ask for less"),
    ],
)
def test_window_that_cannot_be_shown(until: datetime, bucket: timedelta | None, said: str) -> None:
    """An empty window and one of endless buckets are the operator's to mend."""
    with pytest.raises(UsageProblem, match=said):
        divide(NINE, until, bucket)


def test_nothing_is_told_as_nothing() -> None:
    """Without any task every type and bucket is there with zeros, and no ratio is made up."""
    report = told()
    assert [(one.key, one.failed, one.share, one.rate) for one in report.by_type] == [
        (failure_type, 0, None, None) for failure_type in FailureType
    ]
    zeros = dict.fromkeys(FailureType, 0)
    assert report.trend == (
        Bucket(start=NINE, finished=0, failed=0, rate=None, by_type=zeros),
        Bucket(start=NINE + HOUR, finished=0, failed=0, rate=None, by_type=zeros),
    )
    assert (report.rate, report.samples, report.by_customer) == (None, (), ())
    assert set(report.left_out.values()) == {0}


def test_shares_are_of_failures_and_rates_of_what_finished() -> None:
    """A model's rate is out of its own tasks, a type's out of all; what was not started is in none."""
    report = told(
        count(bucket_at=NINE, succeeded_count=90, not_started_count=40),
        count(bucket_at=NINE, failure_type=FailureType.TIMEOUT, failed_count=3, credits_refunded=30),
        count(bucket_at=NINE + HOUR, failure_type=FailureType.TIMEOUT, failed_count=3, credits_refunded=20),
        count(bucket_at=NINE + HOUR, failure_type=FailureType.NETWORK, failed_count=4),
        count(Dimension.MODEL, key="veo-pro", failed_count=10, succeeded_count=10, key_count=9),
        count(Dimension.REASON, failed_count=10, key_count=1),
        count(Dimension.CUSTOMER, key=str(CUSTOMER), failed_count=5, succeeded_count=20, credits_refunded=9),
        count(Dimension.NOT_STARTED, key="WALLET_NOT_FOUND", not_started_count=40),
    )
    assert (report.finished, report.succeeded, report.failed, report.rate, report.not_started) == (100, 90, 10, 0.1, 40)
    assert report.credits_refunded == 50
    timeout = next(one for one in report.by_type if one.key is FailureType.TIMEOUT)
    assert (timeout.failed, timeout.finished, timeout.share, timeout.rate, timeout.credits_refunded) == (
        *(6, 100, 0.6, 0.06),
        50,
    )
    (model,), (reason,), (customer,) = report.by_model, report.by_reason, report.by_customer
    assert (model.key, model.finished, model.share, model.rate) == ("veo-pro", 20, 1.0, 0.5)
    assert (reason.key, reason.finished, reason.rate) == (None, 100, 0.1)
    assert (customer.key, customer.finished, customer.share, customer.rate) == (CUSTOMER, 25, 0.5, 0.2)
    assert [(bucket.finished, bucket.failed, bucket.rate) for bucket in report.trend] == [
        (93, 3, 3 / 93),
        (7, 7, 1.0),
    ]
    assert report.trend[1].by_type[FailureType.NETWORK] == 4
    assert report.left_out[Dimension.MODEL] == 8
    assert [(one.reason, one.count) for one in report.not_started_by_reason] == [("WALLET_NOT_FOUND", 40)]


def test_window_is_compared_with_one_as_long() -> None:
    """The time before ends where the window begins; before the first of all days there is none."""
    window = divide(NINE, NINE + 3 * HOUR).compared()
    assert window.compared_since == NINE - 3 * HOUR
    first = datetime(1, 1, 2, tzinfo=UTC)
    assert divide(first, first + 3 * DAY).compared().compared_since is None


def test_counts_of_the_time_before_stand_beside_those_of_the_window() -> None:
    """They are in no total, no trend and no share; a bucket that only they have is in no course."""
    window = divide(NINE, NINE + 2 * HOUR).compared()
    earlier = count(bucket_at=NINE - HOUR, failure_type=FailureType.TIMEOUT, failed_before=3)
    fine = count(bucket_at=NINE, succeeded_count=4, succeeded_before=1)
    report = tell(window, [earlier, fine], 0)
    assert report.before is not None
    assert (report.before.finished, report.before.failed, report.before.rate) == (4, 3, 0.75)
    assert (report.finished, report.failed, report.rate) == (4, 0, 0.0)
    assert [bucket.finished for bucket in report.trend] == [4, 0]
    timeout = next(one for one in report.by_type if one.key is FailureType.TIMEOUT)
    assert (timeout.failed, timeout.failed_before, timeout.finished_before, timeout.rate_before) == (0, 3, 4, 0.75)
    assert tell(divide(NINE, NINE + 2 * HOUR), [fine], 0).before is None
