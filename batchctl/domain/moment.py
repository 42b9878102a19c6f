"""Instants as operators type them: so long ago, or a date with or without a time."""

import re
from datetime import UTC, datetime, timedelta

from batchctl.domain.problem import UsageProblem

_AGE = re.compile(r"(\d{1,9})(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime) -> datetime:
    """Return the instant that `text` means: `90s`, `30m`, `2h`, `7d`, `2w` ago, or an ISO date, time or both.

    A time without an offset is one of the operator's own zone. Raises UsageProblem that says what can be written.
    """
    return _moment(text, now, -1, "ago")


def moment_ahead(text: str, now: datetime) -> datetime:
    """Like `moment`, where lengths count from now on: `7d` is in seven days."""
    return _moment(text, now, 1, "from now on")


def _moment(text: str, now: datetime, direction: int, says: str) -> datetime:
    written = text.strip()
    try:
        if age := _AGE.fullmatch(written):
            return now + direction * timedelta(**{_UNITS[age[2]]: int(age[1])})
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    message = f"{written[:40]!r} is no time: write 90s, 30m, 2h, 7d, 2w ({says}), 2026-01-31, or 2026-01-31T09:00"
    raise UsageProblem(message)
