"""Retry-After in seconds, as a date, and as anything else."""

import time
from datetime import datetime, timedelta, timezone

import pytest

from batchctl.gateways.retry_after import retry_after_s

NOW = datetime(2026, 11, 24, 13, 0, tzinfo=timezone(timedelta(hours=1)))
"""12:00 UTC on another clock face."""


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("1", 1.0),
        ("3600", 3600.0),
        ("\t90 ", 90.0),
        ("315360000", 315_360_000.0),
        ("Tue, 24 Nov 2026 12:02:00 GMT", 120.0),
        ("Tuesday, 24-Nov-26 12:02:00 GMT", 120.0),
        ("Tue Nov 24 12:02:00 2026", 120.0),
        ("Tue, 24 Nov 2026 12:02:00 -0000", 120.0),
        ("Tue, 24 Nov 2026 14:02:00 +0200", 120.0),
        ("Tue, 24 Nov 2026 12:00:00 GMT", None),
        ("Tue, 24 Nov 2026 11:00:00 GMT", None),
        ("0", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("1e3", None),
        ("1, 2", None),
        ("\uff11\uff12", None),
        ("", None),
        ("soon", None),
        ("Tue, 99 Nov 2026 12:02:00 GMT", None),
        ("Tue, 24 Nov 99999 12:02:00 GMT", None),
        ("Tue, 24 Nov 99999999999999999999 12:02:00 GMT", None),
        ("Tue, 24 Nov 2026 12:02:00 +9999999", None),
        (", ,", None),
        ("\x00" * 100, None),
    ],
)
def test_wait(text: str, wait_s: float | None) -> None:
    """Both forms of the header are read; garbage, the past and negative numbers are no wish at all."""
    assert retry_after_s({"retry-after": text}, lambda: NOW) == wait_s


def test_date_without_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own zone has no say."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert retry_after_s({"retry-after": "Tue, 24 Nov 2026 12:02:00 -0000"}, lambda: NOW) == 120.0
    time.tzset()


def test_absurd_number_is_a_number() -> None:
    """A number too large for a float neither raises nor vanishes: the caller's limit cuts it."""
    assert min(retry_after_s({"retry-after": "9" * 5000}, lambda: NOW) or 0, 900) == 900


def test_clock_is_asked_for_dates_only() -> None:
    """The clock may be the database's, so nobody asks it in vain."""
    asked: list[datetime] = []

    def clock() -> datetime:
        asked.append(NOW)
        return NOW

    for headers in ({}, {"retry-after": "7"}, {"retry-after": "soon"}):
        retry_after_s(headers, clock)
    assert asked == []
    retry_after_s({"retry-after": "Tue, 24 Nov 2026 12:02:00 GMT"}, clock)
    assert asked == [NOW]
