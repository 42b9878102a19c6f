"""Instants as operators type them, behind and ahead."""

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


@pytest.mark.parametrize("text", ["", "soon", "2", "-2h", "999999999w", "2026-13-01", "9999-12-31T23:59-14:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """What cannot be read, or lies outside of the calendar, is refused with what can be written."""
    with pytest.raises(UsageProblem, match=r"write 90s, 30m, 2h, 7d, 2w \(ago\), 2026-01-31"):
        moment(text, NOW)
    with pytest.raises(UsageProblem, match=r"\(from now on\)"):
        moment_ahead(text, NOW)
