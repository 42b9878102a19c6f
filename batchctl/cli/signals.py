"""SIGTERM and SIGINT: take no new work, finish and record what is in flight, leave within ten seconds."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

DRAIN_S = 10
"""What is in flight gets so long after the first signal (contract §6: interrupted, state consistent)."""


class InterruptedBySignal(BaseException):
    """The process was asked to stop, and what it was doing is cut short."""

    def __init__(
        self, signal_number: int, said: str = "what was in flight is recorded or will be found by the next pass"
    ) -> None:
        """Remember which signal it was, whose exit code is 128 more, and what is to be said of it."""
        super().__init__(signal_number)
        self.exit_code = 128 + signal_number
        self.said = said


class Stop:
    """Whether the process was asked to stop, and by which signal."""

    def __init__(self) -> None:
        """Start not asked."""
        self.signal_number: int | None = None
        self._read_end, self._write_end = os.pipe()

    def ask(self, signal_number: int) -> None:
        """Remember the first signal, and wake whoever waits for it."""
        self.signal_number = signal_number
        os.write(self._write_end, b"!")

    def fileno(self) -> int:
        """Return the file that can be read once it is asked."""
        return self._read_end

    def close(self) -> None:
        """Close the file."""
        os.close(self._read_end)
        os.close(self._write_end)

    def is_asked(self) -> bool:
        """Say whether new work must not be taken any more."""
        return self.signal_number is not None


@contextmanager
def interruptible() -> Iterator[None]:
    """Let both signals interrupt at once whatever an operator asked for, and say what became of it.

    Nothing changes where somebody listens for them, or where they are to be ignored. What is under way sees a
    KeyboardInterrupt, at which it ends its transaction and notes what it knows. Raises InterruptedBySignal.
    """
    heard: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    usual = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    unheard = [number for number, handler in usual.items() if signal.getsignal(number) is handler]
    before = {number: signal.signal(number, on_signal) for number in unheard}
    try:
        yield
    except KeyboardInterrupt as interruption:
        notes: list[str] = getattr(interruption, "__notes__", [])
        said = notes or ["whether what was asked for is done is not known; look before you repeat it"]
        raise InterruptedBySignal(heard[0] if heard else signal.SIGINT, "; ".join(said)) from interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
        stop.ask(number)
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
        stop.close()
    if stop.signal_number is not None:
        raise InterruptedBySignal(stop.signal_number)
