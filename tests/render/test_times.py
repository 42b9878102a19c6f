"""Lengths of time and instants as people read them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from batchctl.render.grid import instant
from batchctl.render.times import duration, localized, span

AT = datetime(2026, 1, 31, 9, tzinfo=UTC)


@pytest.fixture(params=["Asia/Kathmandu", "UTC"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Put the operator into a zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.parametrize(
    ("length", "written"),
    [(-5, "0 s"), (0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (200_000, "2 days")],
)
def test_spans_are_written_in_their_largest_unit(length: int, written: str) -> None:
    """A length of time says as much as somebody wants to know."""
    assert span(timedelta(seconds=length)) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0 ms"), (0.0421, "42 ms"), (1, "1 s"), (2.345, "2.3 s"), (12.9, "12 s"), (900, "15 min"), (7200, "2 h")],
)
def test_short_times_are_told_more_exactly(seconds: float, written: str) -> None:
    """What takes less than seconds is told in milliseconds, what takes a few of them with a tenth."""
    assert duration(seconds) == written


@pytest.mark.parametrize(
    ("age", "near"),
    [
        (timedelta(seconds=0.5), " (now)"),
        (timedelta(minutes=3), " (3 min ago)"),
        (timedelta(days=-7), " (in 7 days)"),
        (None, ""),
    ],
)
def test_instants_in_a_text_are_told_in_the_operators_zone(zone: str, age: timedelta | None, near: str) -> None:
    """On a terminal an instant stands in local time with its offset, and says how far away it is."""
    local = {"UTC": "2026-01-31 09:00 +0000", "Asia/Kathmandu": "2026-01-31 14:45 +0545"}[zone]
    text = f"valid until {instant(AT)}, and {instant(AT)}."
    now = None if age is None else AT + age
    assert localized(text, now) == f"valid until {local}{near}, and {local}{near}."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-13-31T09:00:00Z",
        "2026-01-31T09:00:00Zulu",
        "9999-12-31T23:59:59Z?",
        "12026-01-31T09:00:00Z",
    ],
)
def test_what_is_no_instant_stays(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day that does not exist, a longer word, and the edge of time are shown as they are written."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        assert localized(text, AT) == text
    finally:
        monkeypatch.undo()
        time.tzset()
