"""Spans of time that operators ask about, divided into hours or days."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from batchctl.domain.problem import UsageProblem

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BY_HOUR_UP_TO = timedelta(hours=48)
"""A longer window is divided into days, unless hours are asked for."""
MAX_BUCKETS = 10_000
"""Over a year of hours, or 27 years of days."""
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of time, divided into buckets that begin at whole hours or days in UTC; the first and last may be cut."""

    since: datetime
    until: datetime
    """Itself left out."""
    bucket: timedelta
    compared_since: datetime | None = None
    """When the equally long time before it began, with which it is compared; None: with nothing."""

    def compared(self) -> "Window":
        """Return the same window, compared with the equally long time before it, if there was one."""
        try:
            return replace(self, compared_since=self.since - (self.until - self.since))
        except OverflowError:  # it begins in the year 1
            return self

    @property
    def starts(self) -> list[datetime]:
        """Return when each bucket begins."""
        first = self.since - (self.since - _EPOCH) % self.bucket
        return [first + number * self.bucket for number in range(-((first - self.until) // self.bucket))]


def divide(since: datetime, until: datetime, bucket: timedelta | None = None) -> Window:
    """Divide a span into buckets, hours or days as suits its length; UsageProblem when it is empty or too long."""
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    if since >= until:
        raise UsageProblem(
            f"the window must end after it begins, not {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
        )
    length = until - since
    bucket = bucket or (HOUR if length <= BY_HOUR_UP_TO else DAY)
    if length / bucket > MAX_BUCKETS:
        unit = "hours" if bucket == HOUR else "days"
        raise UsageProblem(f"{since:%Y-%m-%d} to {until:%Y-%m-%d} is more than {MAX_BUCKETS} {unit}: ask for less")
    return Window(since=since, until=until, bucket=bucket)
