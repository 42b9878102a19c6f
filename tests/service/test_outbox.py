"""Events for customers who want to hear of them, and for no others, written with what they tell of."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from batchctl.domain.problem import Problem
from batchctl.service.claim import claim
from batchctl.service.dispatch import dispatch
from batchctl.service.poll import poll
from batchctl.service.settle import settle
from batchctl.service.world import start_pass
from tests.scenario import Company


@contextmanager
def no_room_for_events(company: Company) -> Iterator[None]:
    """Have the database find no room for any event, and for nothing else."""
    company.sql(
        "create function full_disk() returns trigger language plpgsql as"
        " $$ begin raise exception using errcode = 'disk_full', message = 'no space left'; end $$"
    )
    company.sql("create trigger full_disk before insert on webhook_deliveries execute function full_disk()")
    yield
    company.sql("drop trigger full_disk on webhook_deliveries")


@pytest.mark.parametrize("url", [None, ""])
@pytest.mark.parametrize("amount", [10, 0])
def test_batch_without_an_address_has_no_event(company: Company, url: str | None, amount: int) -> None:
    """Without a webhook address, refused or settled, there is no delivery row and no webhook status (contract §2)."""
    batch_id = company.enqueue(company.customer(permanent=amount), 1, webhook=None)
    company.sql("update batch_jobs set webhook_url = %s where id = %s", url, batch_id)

    company.run_until_quiet()

    assert company.batch(batch_id).status == ("completed" if amount else "failed")
    assert company.batch(batch_id).webhook_status is None
    assert company.sql("select id from webhook_deliveries") == []


def test_no_settlement_without_its_event(company: Company) -> None:
    """Where the event cannot be written nothing is settled and no money moves; later both happen, once."""
    customer = company.customer(permanent=100)
    batch_id = company.enqueue(customer, ["fine", "bad [sim: fail=error]"])
    dispatch(company.world, start_pass(company.world, None))
    company.clock.advance(5)
    poll(company.world, start_pass(company.world, None))
    books = company.batch(batch_id), company.wallet(customer), company.ledger(batch_id)

    with no_room_for_events(company), pytest.raises(Problem, match="no space left"):
        settle(company.world)

    assert (company.batch(batch_id), company.wallet(customer), company.ledger(batch_id)) == books
    assert (books[0].status, books[0].tasks_in_flight, books[1]) == ("processing", 0, (80, 0))
    company.run_until_quiet()
    assert (company.batch(batch_id).status, company.wallet(customer)) == ("partial", (90, 0))
    assert company.ledger(batch_id) == [("batch_upfront", "permanent", -20), ("batch_refund", "permanent", 10)]
    assert len(company.receiver.journal.delivered()) == 1


@pytest.mark.parametrize("total", [1, 0])
def test_no_refusal_without_its_event(company: Company, total: int) -> None:
    """Where the event cannot be written a batch, unpaid or malformed, stays queued; later it is refused and told."""
    batch_id = company.enqueue(uuid4(), 1, total=total)
    queued = company.batch(batch_id), company.tasks(batch_id)

    with no_room_for_events(company), pytest.raises(Problem, match="no space left"):
        claim(company.world)

    assert (company.batch(batch_id), company.tasks(batch_id)) == queued
    assert queued[0].status == "queued"
    company.run_until_quiet()
    assert company.batch(batch_id).last_error == ("WALLET_NOT_FOUND" if total else "INVALID_BATCH")
    assert len(company.receiver.journal.delivered()) == 1
