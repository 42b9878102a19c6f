"""The overview: hours and days without anything are there too."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

from batchctl.domain.overview import DAYS, HOURS, Day, Hour, age, every_day, every_hour, first_day, first_hour
from batchctl.domain.window import DAY, HOUR

NOW = datetime(2026, 1, 31, 9, 15, tzinfo=UTC)


def test_hours_end_now() -> None:
    """The last hour is the last sixty minutes; hours without a task hold nothing."""
    last = Hour(start=NOW - HOUR, succeeded=3, failed=1)
    hours = every_hour([last], NOW)
    assert (hours[0].start, hours[-1], len(hours)) == (first_hour(NOW), last, HOURS)
    assert [hour.finished for hour in hours] == [0] * (HOURS - 1) + [4]


def test_days_are_those_of_utc() -> None:
    """Today is the last day wherever the clock stands; days without credits hold nothing."""
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-11)))
    today = Day(start=datetime(2026, 1, 31, tzinfo=UTC), frozen=3, spent=2, refunded=1)
    for now in (NOW, elsewhere):
        days = every_day([today], now)
        assert (days[-1], len(days), days[0].start) == (today, DAYS, first_day(now))
        assert {after.start - before.start for before, after in pairwise(days)} == {DAY}
        assert [day.frozen for day in days] == [0] * (DAYS - 1) + [3]


def test_age_is_not_less_than_nothing() -> None:
    """What is due by another clock's future is due now; what is not there has no age."""
    assert [age(since, NOW) for since in (None, NOW - HOUR, NOW + HOUR)] == [None, HOUR, timedelta(0)]
