"""Sharing free places: nobody starves, and no batch gets more than it may have."""

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from batchctl.domain.batch import StartableBatch
from batchctl.domain.fairness import share_places

CAP = 10


def batch(number: int, customer: int, *, flying: int = 0, due: int = CAP, customer_flying: int = 0) -> StartableBatch:
    """Make a batch that may be started; a lower number is an older batch."""
    return StartableBatch(
        id=UUID(int=number),
        user_id=UUID(int=customer),
        tasks_in_flight=flying,
        due_count=due,
        customer_in_flight=customer_flying,
    )


def shares(places: int, *batches: StartableBatch) -> dict[int, int]:
    """Share places, by the batches' numbers."""
    return {batch_id.int: share for batch_id, share in share_places(places, batches, CAP).items()}


def test_two_customers_share_alike() -> None:
    """A customer with ten batches gets as much as one with a single batch."""
    heavy = [batch(number, customer=1) for number in range(1, 11)]
    given_places = shares(10, *heavy, batch(99, customer=2))
    assert given_places[99] == 5
    assert sum(given_places.values()) == 10


def test_newcomer_goes_first() -> None:
    """A customer with nothing in flight gets places until it has as many as the others."""
    assert shares(6, batch(1, customer=1, customer_flying=4), batch(2, customer=2)) == {2: 5, 1: 1}


def test_batches_of_one_customer_share_alike() -> None:
    """Within a customer the batch with fewest tasks in flight goes first, the older one among equals."""
    assert shares(5, batch(1, 1, flying=3), batch(2, 1), batch(3, 1)) == {2: 3, 3: 2}


def test_older_batch_goes_first_between_equals() -> None:
    """Of two customers alike, the one whose batch is older gets the last place."""
    assert shares(3, batch(1, customer=5), batch(2, customer=4)) == {1: 2, 2: 1}


def test_cap_and_due_tasks_bound_each_batch() -> None:
    """Places that a batch cannot use go to others, or stay free."""
    assert shares(20, batch(1, 1, flying=7), batch(2, 2, due=2)) == {1: 3, 2: 2}


def test_no_places_no_shares() -> None:
    """Without places, or without batches, nothing is given."""
    assert shares(0, batch(1, 1)) == {}
    assert shares(5) == {}


@st.composite
def startable(draw: st.DrawFn) -> list[StartableBatch]:
    """Make up to twelve batches of up to four customers, in flight as the database would say."""
    made = [
        (draw(st.integers(1, 4)), draw(st.integers(0, CAP - 1)), draw(st.integers(1, CAP)))
        for _ in range(draw(st.integers(0, 12)))
    ]
    flying = Counter[int]()
    for customer, in_flight, _ in made:
        flying[customer] += in_flight
    return [
        batch(number, customer, flying=in_flight, due=due, customer_flying=flying[customer])
        for number, (customer, in_flight, due) in enumerate(made)
    ]


@given(places=st.integers(0, 60), batches=startable())
def test_shares_are_fair_and_bounded(places: int, batches: list[StartableBatch]) -> None:
    """No place stays free that could be used; and who got one was not ahead of anybody who could still take more."""
    given_places = share_places(places, batches, CAP)
    room = {one.id: min(one.due_count, CAP - one.tasks_in_flight) for one in batches}
    assert all(0 < share <= room[batch_id] for batch_id, share in given_places.items())
    assert sum(given_places.values()) == min(places, sum(room.values()))
    left = {one.id: room[one.id] - given_places.get(one.id, 0) for one in batches}
    customer_got = Counter[UUID]()
    for one in batches:
        customer_got[one.user_id] += given_places.get(one.id, 0)
    for mine in batches:
        for theirs in batches:
            if not left[mine.id] or not given_places.get(theirs.id):
                continue
            if mine.user_id == theirs.user_id:
                assert theirs.tasks_in_flight + given_places[theirs.id] <= (
                    mine.tasks_in_flight + given_places.get(mine.id, 0) + 1
                )
            else:
                assert theirs.customer_in_flight + customer_got[theirs.user_id] <= (
                    mine.customer_in_flight + customer_got[mine.user_id] + 1
                )
