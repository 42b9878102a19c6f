"""Instants as operators type them, behind and ahead."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from batchctl.domain.moment import moment, moment_ahead
from batchctl.domain.problem import UsageProblem

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        (" 2h ", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_lengths_count_back_or_ahead(text: str, length: timedelta) -> None:
    """A length is so long ago, or so long from now on."""
    assert (moment(text, NOW), moment_ahead(text, NOW)) == (NOW - length, NOW + length)


def test_dates_are_the_same_in_both_directions() -> None:
    """A time with an offset is that instant."""
    assert moment("2026-02-01T10:00+01:00", NOW) == datetime(2026, 2, 1, 9, tzinfo=UTC)
    assert moment_ahead("2026-02-01T10:00+01:00", NOW) == datetime(2026, 2, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "soon", "2", "-2h", "24:00", "9:60", "999999999w", "2026-13-01", "9999-12-31T23:59-14:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """What cannot be read, or lies outside of the calendar, is refused with what can be written."""
    with pytest.raises(UsageProblem, match=r"write 90s, 30m, 2h, 7d, 2w \(ago\), 2026-01-31"):
        moment(text, NOW)
    with pytest.raises(UsageProblem, match=r"\(from now on\)"):
        moment_ahead(text, NOW)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the operator sit in Berlin, where it is 10:00 on a winter's day."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("text", "behind", "ahead"),
    [
        ("09:00", datetime(2026, 1, 31, 8, tzinfo=UTC), datetime(2026, 2, 1, 8, tzinfo=UTC)),
        ("9:00", datetime(2026, 1, 31, 8, tzinfo=UTC), datetime(2026, 2, 1, 8, tzinfo=UTC)),
        ("10:00", NOW, NOW),
        ("10:01", datetime(2026, 1, 30, 9, 1, tzinfo=UTC), datetime(2026, 1, 31, 9, 1, tzinfo=UTC)),
        ("23:59", datetime(2026, 1, 30, 22, 59, tzinfo=UTC), datetime(2026, 1, 31, 22, 59, tzinfo=UTC)),
    ],
)
def test_time_of_the_day_is_the_nearest_one(text: str, behind: datetime, ahead: datetime) -> None:
    """In the operator's own zone: the last one that was, or the next one that comes."""
    assert (moment(text, NOW), moment_ahead(text, NOW)) == (behind, ahead)


@pytest.mark.usefixtures("berlin")
def test_time_of_the_day_across_a_change_of_the_clocks() -> None:
    """On the evening before summer time the next 09:00 is an hour nearer."""
    evening = datetime(2026, 3, 28, 20, tzinfo=UTC)
    assert moment("09:00", evening) == datetime(2026, 3, 28, 8, tzinfo=UTC)
    assert moment_ahead("09:00", evening) == datetime(2026, 3, 29, 7, tzinfo=UTC)
