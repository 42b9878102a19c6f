"""A ping goes the way of real events, signed as they are, and leaves no trace."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.domain.problem import Problem, UsageProblem
from batchctl.service import endpoint
from batchctl.service.ping import at_customer, at_endpoint, at_url, ping
from batchctl.simulator.answer import Answer
from batchctl.simulator.faults import http_status
from batchctl.simulator.journal import Check
from batchctl.vault import FernetVault
from tests.scenario import SECRET, Company, at_work


@pytest.fixture(autouse=True)
def traceless(company: Company) -> Iterator[None]:
    """Assert that what a test sends changes no row."""
    yield
    assert company.sql("select 1 from webhook_deliveries") == company.sql("select 1 from delivery_attempts") == []
    assert company.sql("select 1 from webhook_endpoints where failing_since is not null") == []


def url(company: Company, path: str = "/hook") -> str:
    """Return an address of the company's receiver."""
    return f"{company.receiver.base_url}{path}"


def own(company: Company, user_id: UUID, path: str = "/hook") -> UUID:
    """Give a customer an endpoint with a secret of its own, and tell the receiver."""
    report = endpoint.add(company.world, user_id, url(company, path), None)
    company.receiver.know(path, str(report.secret))
    return report.endpoint.id


def last(company: Company) -> Any:
    """Return what the receiver got last."""
    return company.receiver.journal.entries[-1]


def test_ping_is_signed_and_told(company: Company) -> None:
    """A body of type ping, both signatures, a webhook-id of its own; what was answered, and how fast."""
    company.receiver.script("/hook", Answer(status=202, body=b"pong\n"))
    report = ping(company.world, at_url(company.world, url(company), None))
    entry = last(company)
    assert (entry.hex_signature, entry.standard_signature) == (Check.VALID, Check.VALID)
    assert json.loads(entry.body) == {"type": "ping", "timestamp": int(company.clock.now.timestamp() * 1000)}
    assert entry.body.decode() == report.body
    assert entry.headers["webhook-id"] == report.webhook_id
    assert (report.delivered, report.status_code, report.error, report.answer) == (True, 202, None, "pong")
    assert (report.signatures, report.is_own_secret, report.receiver) == (1, False, company.receiver.base_url)
    assert report.duration_ms is not None


@pytest.mark.parametrize(("status", "said"), [(500, "HTTP 500"), (302, "HTTP 302"), (410, "gone for good")])
def test_refusal_is_told(company: Company, status: int, said: str) -> None:
    """Why it was not taken, and what the receiver answered; a 410 disables nothing."""
    company.receiver.script("/hook", then=Answer(status=status, body=f"no {SECRET}".encode()))
    report = ping(company.world, at_endpoint(company.world, own(company, uuid4())))
    assert (report.delivered, report.status_code, report.answer) == (False, status, "no ***")
    assert said in (report.error or "")
    assert company.sql("select disabled_at from webhook_endpoints")[0].disabled_at is None


def test_endpoint_signs_with_all_its_secrets(company: Company) -> None:
    """Its own, of which two are in force while it is rotated; by its id, its address, or the customer's batch."""
    user_id = uuid4()
    old = endpoint.add(company.world, user_id, url(company), None)
    endpoint_id = old.endpoint.id
    new = endpoint.rotate(company.world, endpoint_id, None, company.clock.now + timedelta(days=1))
    company.receiver.know("/hook", str(old.secret), str(new.secret))
    batch_id = company.enqueue(user_id, 1)
    for address in (
        at_endpoint(company.world, endpoint_id),
        at_url(company.world, url(company), user_id),
        at_customer(company.world, user_id),
    ):
        report = ping(company.world, address)
        assert (report.delivered, report.signatures, report.is_own_secret) == (True, 2, True)
        assert (report.endpoint_id, report.endpoint_disabled) == (endpoint_id, False)
        assert last(company).standard_signature is Check.VALID
    for table, column in (("video_tasks", "batch_job_id"), ("batch_jobs", "id")):
        company.sql(f"delete from {table} where {column} = %s", batch_id)  # noqa: S608 - names of ours


def test_disabled_endpoint_is_pinged_all_the_same(company: Company) -> None:
    """That is how one finds out whether it can be enabled; the report says that it is disabled."""
    endpoint_id = own(company, uuid4())
    endpoint.disable(company.world, endpoint_id, reason="x", operator="me")
    report = ping(company.world, at_endpoint(company.world, endpoint_id))
    assert (report.delivered, report.endpoint_disabled) == (True, True)


def test_guard_of_deliveries_holds(dsn: str) -> None:
    """Without ENTERPRISE_WEBHOOK_ALLOW_INSECURE nothing connects to this machine, and the setting is named."""
    with at_work(dsn, allow_insecure=False) as company:
        for address in (url(company), url(company).replace("http:", "https:"), "https://localhost/", "ftp://x"):
            report = ping(company.world, at_url(company.world, address, None))
            assert (report.delivered, report.status_code, report.duration_ms) == (False, None, None)
            assert (report.error or "").startswith("FORBIDDEN_URL: ")
        assert company.receiver.connections == 0


def test_nothing_goes_out_unsigned(dsn: str) -> None:
    """Without any secret it is not sent, as no event would be."""
    with at_work(dsn, default_secret=None) as company:
        report = ping(company.world, at_url(company.world, url(company), None))
        assert (report.error, report.signatures, company.receiver.connections) == ("WEBHOOK_SECRET_MISSING", 0, 0)


def test_secret_that_cannot_be_opened_is_replaced_by_no_other(company: Company) -> None:
    """The key is to be given back; nothing is sent meanwhile."""
    endpoint_id = own(company, uuid4())
    company.world = replace(company.world, vault=FernetVault([]))
    report = ping(company.world, at_endpoint(company.world, endpoint_id))
    assert (report.error or "").startswith("WEBHOOK_SECRET_UNREADABLE")
    assert company.receiver.connections == 0


def test_receiver_that_does_not_answer(company: Company) -> None:
    """It is waited for as long as for an event, and no longer."""
    company.receiver.stop()
    report = ping(company.world, at_url(company.world, url(company), None))
    assert (report.delivered, report.status_code) == (False, None)
    assert (report.error or "").startswith("REFUSED: ")
    company.receiver.start()


def test_nowhere_to_go(company: Company) -> None:
    """A customer none of whose batches has an address, and an endpoint that is no more, are said to be so."""
    company.receiver.script("/hook", then=http_status(500))
    with pytest.raises(UsageProblem, match="has a webhook_url: write an address"):
        at_customer(company.world, uuid4())
    with pytest.raises(Problem, match="any more"):
        at_endpoint(company.world, uuid4())
