"""Instants as operators type them: so long ago, a date with or without a time, or a time of the day."""

import re
from datetime import UTC, datetime, timedelta

from batchctl.domain.problem import UsageProblem

_AGE = re.compile(r"(\d{1,9})(s|m|h|d|w)")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime) -> datetime:
    """Return the instant that `text` means.

    It may be `90s`, `30m`, `2h`, `7d`, `2w` ago, an ISO date with or without a time, or `09:00`, the last one. A time
    without an offset is one of the operator's own zone. Raises UsageProblem that says what can be written.
    """
    return _moment(text, now, -1, "ago")


def moment_ahead(text: str, now: datetime) -> datetime:
    """Like `moment`, where lengths count from now on: `7d` is in seven days, `09:00` the next one."""
    return _moment(text, now, 1, "from now on")


def window(since: str | None, until: str | None, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return from when and up to when, as far as that is said; UsageProblem where nothing lies between."""
    begin, end = (None if text is None else moment(text, now) for text in (since, until))
    if begin is not None and end is not None and end <= begin:
        raise UsageProblem("--until must be later than --since")
    return begin, end


def _moment(text: str, now: datetime, direction: int, says: str) -> datetime:
    written = text.strip()
    try:
        if age := _AGE.fullmatch(written):
            return now + direction * timedelta(**{_UNITS[age[2]]: int(age[1])})
        if clock := _CLOCK.fullmatch(written):
            return _at(int(clock[1]), int(clock[2]), now, direction)
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    ways = f"90s, 30m, 2h, 7d, 2w ({says}), 2026-01-31, 2026-01-31T09:00, or 09:00"
    raise UsageProblem(f"{written[:40]!r} is no time: write {ways}")


def _at(hour: int, minute: int, now: datetime, direction: int) -> datetime:
    """Return the time of the day in the operator's zone that is next to `now` in a direction, or is now."""
    today = now.astimezone().replace(hour=hour, minute=minute, second=0, microsecond=0, tzinfo=None)
    found = today.astimezone(UTC)
    if (found - now) * direction < timedelta(0):
        found = (today + direction * timedelta(days=1)).astimezone(UTC)
    return found
