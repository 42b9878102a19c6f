"""The clock that asks the database once in a second."""

from datetime import UTC, datetime, timedelta

from batchctl.domain.clock import SteadyClock

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Machine:
    """A machine and a database whose clocks a test moves."""

    def __init__(self) -> None:
        """Begin at noon."""
        self.monotonic_s = 100.0
        self.database = NOON
        self.asked = 0
        self.clock = SteadyClock(lambda: self.monotonic_s)

    def pass_s(self, seconds: float) -> None:
        """Let time pass for both."""
        self.monotonic_s += seconds
        self.database += timedelta(seconds=seconds)

    def read(self, *, answer_takes_s: float = 0.0) -> datetime:
        """Read the clock; an answer of the database may take time on its way back."""

        def ask() -> datetime:
            self.asked += 1
            now = self.database
            self.pass_s(answer_takes_s)
            return now

        return self.clock.read(ask)


def test_database_is_asked_once_in_a_second() -> None:
    """In between the answer is carried on, to the very moment."""
    machine = Machine()
    assert machine.read() == NOON
    machine.pass_s(0.9)
    assert machine.read() == NOON + timedelta(seconds=0.9)
    assert machine.asked == 1
    machine.pass_s(0.2)
    assert machine.read() == machine.database
    assert machine.asked == 2


def test_slow_answer_does_not_turn_time_back() -> None:
    """An answer that took long is older than what the one before has become; the better of the two counts."""
    machine = Machine()
    machine.read()
    machine.pass_s(1.5)
    before = machine.database
    now = machine.read(answer_takes_s=0.3)
    assert before < now <= machine.database


def test_database_clock_that_was_set_is_followed() -> None:
    """All workers go by it, forwards and backwards."""
    machine = Machine()
    machine.read()
    for step in (timedelta(hours=-1), timedelta(days=1)):
        machine.pass_s(2)
        machine.database += step
        assert machine.read() == machine.database
