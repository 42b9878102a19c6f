"""Time enters the program through these two callables and nowhere else."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

Clock = Callable[[], datetime]
"""Returns the current instant with its zone; in production the database's clock, so that all workers share one."""

GOOD_FOR_S = 1.0
"""So long an answer of the database's clock is carried on by this machine's; the two drift apart by less than 1 ms."""
STEP = timedelta(seconds=1)
"""When the database's clock differs by more, it was set; by less, its answer only took longer."""

Sleep = Callable[[float], None]
"""Waits that many seconds; a test's version moves the test's clock instead."""


class SteadyClock:
    """The database's clock, asked once in a second: in between it is carried on from the last answer.

    It never runs backwards, unless the database's clock was set back, and is never ahead of it.
    """

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        """Start without an answer."""
        self._monotonic_s = monotonic_s
        self._answer: tuple[datetime, float] | None = None

    def read(self, ask: Clock) -> datetime:
        """Say what time it is; `ask` asks the database."""
        carried = self._carried_on()
        if self._answer is not None and carried is not None and self._monotonic_s() - self._answer[1] < GOOD_FOR_S:
            return carried
        asked, answered_at_s = ask(), self._monotonic_s()
        carried = self._carried_on()
        now = carried if carried is not None and timedelta(0) < carried - asked < STEP else asked
        self._answer = now, answered_at_s
        return now

    def _carried_on(self) -> datetime | None:
        if self._answer is None:
            return None
        answer, answered_at_s = self._answer
        return answer + timedelta(seconds=self._monotonic_s() - answered_at_s)
