"""Requests in flight: work is taken for free places only, and every answer is recorded, whatever breaks."""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

import pytest

from batchctl.domain.wire import Landed, Reply, Request
from batchctl.service.flight import fly


class Runway:
    """An `Http` without a network: what flies lands when it is asked for, `at_once` requests at a time."""

    name = "test"

    def __init__(self, places: int, at_once: int = 1, duration_ms: int = 0) -> None:
        """Start with nothing in flight; each request says that it took so long."""
        self.places = places
        self.at_once = at_once
        self.duration_ms = duration_ms
        self.flying: deque[Request] = deque()
        self.most = 0

    def send(self, requests: Sequence[Request]) -> None:
        """Put requests in flight; as the port says, never more than there are places."""
        self.flying.extend(requests)
        assert len(self.flying) <= self.places
        self.most = max(self.most, len(self.flying))

    def collect(self, wait_s: float) -> list[Landed]:
        """Land the oldest ones."""
        assert wait_s >= 0
        number = min(self.at_once, len(self.flying))
        duration_ms = self.duration_ms
        return [Landed(key=self.flying.popleft().key, outcome=OK, duration_ms=duration_ms) for _ in range(number)]

    def close(self) -> None:
        """Do nothing."""


Given = TypeVar("Given")
Done = TypeVar("Done")
OK = Reply(status=200, headers={}, body=b"")


class Work:
    """A pile of numbered pieces of work, handed out as requests and ticked off as answers land."""

    def __init__(self, pieces: int) -> None:
        """Pile up the work."""
        self.left = pieces
        self.keys = count()
        self.landed: list[int] = []
        self.groups = 0
        self.asked: list[int] = []
        """The number of free places at each take."""
        self.open = 0
        """Taken and not yet recorded."""
        self.most_open = 0

    def take(self, free: int) -> list[Request]:
        """Hand out as much as is asked for, while there is any."""
        self.asked.append(free)
        number = min(free, self.left)
        self.left -= number
        self.open += number
        self.most_open = max(self.most_open, self.open)
        return [request(next(self.keys)) for _ in range(number)]

    def land(self, group: Sequence[Landed]) -> None:
        """Tick off."""
        assert group
        self.groups += 1
        self.open -= len(group)
        self.landed += [answer.key for answer in group]


def request(key: int) -> Request:
    """Make a request that goes nowhere."""
    return Request(key=key, url="http://nowhere.example", headers={}, body=b"", timeout_ms=1, max_bytes=1)


def never() -> bool:
    """Say that time is left."""
    return False


@pytest.mark.parametrize(("places", "at_once", "pieces"), [(1, 1, 5), (4, 1, 30), (4, 4, 30), (20, 7, 100), (20, 1, 3)])
@pytest.mark.parametrize("duration_ms", [0, 1000])
def test_every_piece_is_sent_and_recorded_once(places: int, at_once: int, pieces: int, duration_ms: int) -> None:
    """All work is done, each piece once, with all places used and never more work open than there are places.

    Of requests that take long, answers wait for one another before they are recorded, and keep their places meanwhile.
    """
    runway, work = Runway(places, at_once, duration_ms), Work(pieces)
    fly(runway, take=work.take, land=work.land, is_spent=never)
    assert sorted(work.landed) == list(range(pieces))
    assert work.most_open == runway.most == min(places, pieces)
    assert all(0 < free <= places for free in work.asked)


def test_answers_of_slow_requests_are_recorded_in_groups() -> None:
    """Answers that arrive one by one share a transaction when the other side is slow, and not when it is quick."""
    slow, quick = Work(100), Work(100)
    fly(Runway(20, duration_ms=60_000), take=slow.take, land=slow.land, is_spent=never)
    fly(Runway(20, duration_ms=0), take=quick.take, land=quick.land, is_spent=never)
    assert slow.groups < 40
    assert quick.groups == 100


def test_nothing_to_do_asks_once() -> None:
    """An empty pile costs one look."""
    work = Work(0)
    fly(Runway(5), take=work.take, land=work.land, is_spent=never)
    assert work.asked == [5]


def test_spent_budget_takes_nothing_more_and_records_the_rest() -> None:
    """When time is up nothing new is taken, and what flies is still recorded."""
    runway, work = Runway(4), Work(100)
    fly(runway, take=work.take, land=work.land, is_spent=lambda: len(work.landed) >= 6)
    assert work.open == 0
    assert 6 <= len(work.landed) < 6 + 4


def test_spent_budget_at_the_start_takes_nothing() -> None:
    """A stage without time claims nothing."""
    work = Work(10)
    fly(Runway(4), take=work.take, land=work.land, is_spent=lambda: True)
    assert (work.asked, work.left) == ([], 10)


def broken_at(turn: int, step: Callable[[Given], Done]) -> Callable[[Given], Done]:
    """Return the step, breaking at its turn-th call."""
    turns = count(1)

    def run(given: Given) -> Done:
        if next(turns) == turn:
            raise ConnectionError("the database went away")
        return step(given)

    return run


def test_broken_take_loses_no_answer() -> None:
    """When no more work can be claimed, what flies is recorded first, and only then the error is raised."""
    runway, work = Runway(4), Work(100)
    with pytest.raises(ConnectionError, match="went away"):
        fly(runway, take=broken_at(3, work.take), land=work.land, is_spent=never)
    assert (work.open, len(runway.flying)) == (0, 0)
    assert len(work.landed) == 100 - work.left
    assert 90 < work.left < 100


def test_broken_record_loses_only_its_own_group() -> None:
    """When one group cannot be recorded, the others that fly are; nothing new is taken, and the error is raised."""
    runway, work = Runway(4), Work(100)
    with pytest.raises(ConnectionError, match="went away"):
        fly(runway, take=work.take, land=broken_at(2, work.land), is_spent=never)
    assert runway.flying == deque()
    assert 0 < work.open <= 2
    assert len(work.landed) + work.open == 100 - work.left
    assert 90 < work.left < 100


def test_interruption_leaves_at_once() -> None:
    """What is no error, as a second signal, is not kept until all has landed."""
    runway, work = Runway(4), Work(100)

    def interrupt(_group: Sequence[Landed]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fly(runway, take=work.take, land=interrupt, is_spent=never)


@pytest.mark.parametrize(("ask_again_s", "most"), [(None, 1), (0.0, 2)])
def test_work_that_becomes_due_is_taken_while_others_fly(ask_again_s: float | None, most: int) -> None:
    """With `ask_again_s`, work that becomes due is taken without waiting for a landing; without it, after one."""
    work, looks = Work(1), count()

    class Slow(Runway):
        """Lands nothing before the fifth look; at the second one new work has become due."""

        def collect(self, wait_s: float) -> list[Landed]:
            """Wait in vain a few times."""
            look = next(looks)
            work.left += look == 1
            return super().collect(wait_s) if look > 4 else []

    runway = Slow(3)
    fly(runway, take=work.take, land=work.land, is_spent=never, ask_again_s=ask_again_s)
    assert runway.most == most
    assert sorted(work.landed) == [0, 1]
