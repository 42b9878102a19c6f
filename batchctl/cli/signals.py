"""SIGTERM and SIGINT: take no new work, finish and record what is in flight, leave within ten seconds."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

DRAIN_S = 10
"""What is in flight gets so long after the first signal (contract §6: interrupted, state consistent)."""


class InterruptedBySignal(BaseException):
    """The process was asked to stop, and what it was doing is cut short."""

    def __init__(self, signal_number: int) -> None:
        """Remember which signal it was; the exit code is 128 more."""
        super().__init__(signal_number)
        self.exit_code = 128 + signal_number


class Stop:
    """Whether the process was asked to stop, and by which signal."""

    def __init__(self) -> None:
        """Start not asked."""
        self.signal_number: int | None = None

    def is_asked(self) -> bool:
        """Say whether new work must not be taken any more."""
        return self.signal_number is not None


@contextmanager
def graceful_stop() -> Iterator[Stop]:
    """Note the first signal; raise InterruptedBySignal at the second, ten seconds later, or when all is done."""
    # Imported here, within the command, so that a misspelt arming is told as any other wrong setting.
    from batchctl.failpoint import Failpoint, reach

    stop = Stop()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if stop.signal_number is not None or number == signal.SIGALRM:
            reach(Failpoint.SIGNAL_SECOND)
            raise InterruptedBySignal(stop.signal_number or number)
        stop.signal_number = number
        reach(Failpoint.SIGNAL_FIRST)
        signal.alarm(DRAIN_S)

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield stop
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
    if stop.signal_number is not None:
        raise InterruptedBySignal(stop.signal_number)
