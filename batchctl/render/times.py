"""Lengths of time and instants as people read them: in the largest unit that says enough, in the operator's zone."""

import re
from datetime import datetime, timedelta

_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(?!\w)")

_TENTHS_BELOW_S = 10


def span(length: timedelta) -> str:
    """Write a length of time in its largest unit that says enough."""
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def duration(seconds: float) -> str:
    """Write a measured time with two digits that count: 40 ms, 2.3 s, 45 s, 3 min."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < _TENTHS_BELOW_S and seconds % 1 else span(timedelta(seconds=seconds))


def localized(text: str, now: datetime | None) -> str:
    """Return a text whose instants are told in the operator's zone, and by how far from `now` where that is known.

    Instants are found as `grid.instant` writes them.
    """
    return _INSTANT.sub(lambda found: _local(found[0], now), text)


def _local(written: str, now: datetime | None) -> str:
    try:
        at = datetime.fromisoformat(written)
        told = f"{at.astimezone():%Y-%m-%d %H:%M %z}"
    except (ValueError, OverflowError):  # no such day, or one at the edge of time
        return written
    if now is None:
        return told
    age = now - at
    near = (
        "now" if abs(age) < timedelta(seconds=1) else f"in {span(-age)}" if age < timedelta(0) else f"{span(age)} ago"
    )
    return f"{told} ({near})"
