"""Endpoints that are changed while passes run: nothing that is kept is forgotten, and no secret is lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.domain.problem import Problem, UsageProblem
from batchctl.domain.report import WebhookReport
from batchctl.service import endpoint as service
from batchctl.service.dispatch import dispatch
from batchctl.service.webhooks import deliver
from batchctl.service.world import World, start_pass
from batchctl.simulator.faults import http_status
from batchctl.simulator.server import Request
from batchctl.store import deliveries, endpoints
from tests.scenario import Company


def written(company: Company, user_id: UUID, events: int = 1) -> None:
    """Write events of refused batches, and try none of them."""
    for _ in range(events):
        company.enqueue(user_id, 1)
    company.limit(max_claim=1000)
    dispatch(company.world, start_pass(company.world, None))


def run(world: World) -> Any:
    """Run the stage as a pass of its own."""
    return deliver(world, start_pass(world, None))


def disabled(company: Company, user_id: UUID) -> UUID:
    """Have a customer whose endpoint is disabled."""
    url = f"{company.receiver.base_url}/hook"
    report = service.add(company.world, user_id, url, None)
    company.receiver.know("/hook", report.secret or "")
    service.disable(company.world, report.endpoint.id, reason="x", operator="me")
    return report.endpoint.id


def test_removing_waits_for_a_pass_that_is_setting_aside(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """It then sees what the pass has set aside, and is refused: no event is left without its endpoint."""
    user_id = uuid4()
    endpoint_id = disabled(company, user_id)
    written(company, user_id)
    set_aside = deliveries.set_aside

    with company.other_worker() as other, ThreadPoolExecutor(1) as thread:
        removing: list[Any] = []

        def slowly(*given: Any, **named: Any) -> list[UUID]:
            found = set_aside(*given, **named)
            removing.append(thread.submit(service.remove, other, endpoint_id))
            company.await_blocked()
            return found

        monkeypatch.setattr(deliveries, "set_aside", slowly)
        assert run(company.world).set_aside == 1
        with pytest.raises(Problem, match="1 events wait for endpoint"):
            removing[0].result()
    assert len(company.sql("select 1 from webhook_endpoints")) == 1


def test_enabling_waits_for_a_pass_that_is_setting_aside(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pass has found disabled and not committed yet is released too: nothing stays behind for ever."""
    user_id = uuid4()
    endpoint_id = disabled(company, user_id)
    written(company, user_id, 3)
    set_aside = deliveries.set_aside

    with company.other_worker() as other, ThreadPoolExecutor(1) as thread:
        enabling: list[Any] = []

        def slowly(*given: Any, **named: Any) -> list[UUID]:
            found = set_aside(*given, **named)
            if not enabling:
                enabling.append(thread.submit(service.enable, other, endpoint_id))
                company.await_blocked()
            return found

        monkeypatch.setattr(deliveries, "set_aside", slowly)
        assert run(company.world).set_aside == 3
        assert enabling[0].result().released == 3

    company.clock.advance(1)
    assert run(company.world).sent == 3


def test_pass_waits_for_who_is_enabling(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found disabled is left due where it is enabled before it is set aside."""
    user_id = uuid4()
    endpoint_id = disabled(company, user_id)
    written(company, user_id, 3)
    release = deliveries.release

    with company.other_worker() as other, ThreadPoolExecutor(1) as thread:
        passing: list[Any] = []

        def slowly(*given: Any, **named: Any) -> int:
            passing.append(thread.submit(run, other))
            company.await_blocked()
            return release(*given, **named)

        monkeypatch.setattr(deliveries, "release", slowly)
        assert service.enable(company.world, endpoint_id).released == 0
        report = passing[0].result()
    assert report.set_aside == 0
    assert report.sent + run(company.world).sent == 3


def test_try_in_flight_ends_as_it_ends(company: Company) -> None:
    """An endpoint that is disabled during a try: the try counts, the next one is kept."""
    company.limit(webhook_quick_retries=0)
    user_id = uuid4()
    endpoint_id = disabled(company, user_id)
    service.enable(company.world, endpoint_id)
    company.receiver.script("/hook", http_status(500))
    written(company, user_id)

    def while_told(_: Request) -> None:
        with company.other_worker() as other:
            service.disable(other, endpoint_id, reason="in between", operator="me")

    company.when_told = while_told
    assert run(company.world).retrying == 1
    company.clock.advance(400)
    assert run(company.world).set_aside == 1
    (row,) = company.sql("select status, attempts, next_attempt_at from webhook_deliveries")
    assert tuple(row) == ("retrying", 1, None)


def test_quick_retry_of_an_endpoint_that_was_disabled_meanwhile(company: Company) -> None:
    """It is kept instead, and the pass counts the event once, as it stands in the end."""
    user_id = uuid4()
    endpoint_id = disabled(company, user_id)
    service.enable(company.world, endpoint_id)
    company.receiver.script("/hook", http_status(500))
    written(company, user_id)

    def while_told(_: Request) -> None:
        with company.other_worker() as other:
            service.disable(other, endpoint_id, reason="in between", operator="me")

    company.when_told = while_told
    assert run(company.world) == WebhookReport(set_aside=1)


def test_many_workers_note_one_endpoint(company: Company) -> None:
    """Four workers whose tries fail and succeed at endpoints in any order: one row each, and nobody is left waiting."""
    company.limit(webhook_quick_retries=0)
    users = [uuid4() for _ in range(4)]
    for number in range(40):
        company.enqueue(users[number % 4], 1, webhook=f"/{number % 2}")
    company.limit(max_claim=1000)
    dispatch(company.world, start_pass(company.world, None))
    company.receiver.script("/0", then=http_status(500))
    company.receiver.script("/1", *[http_status(503), http_status(200)] * 5, then=http_status(410))

    def work() -> Any:
        with company.other_worker() as world:
            return run(world)

    with ThreadPoolExecutor(4) as threads:
        reports = [future.result() for future in [threads.submit(work) for _ in range(4)]]

    assert all(report.findings == () for report in reports)
    rows = company.sql("select user_id, url, disabled_at from webhook_endpoints order by url")
    assert len(rows) == len({(row.user_id, row.url) for row in rows})
    assert sum(report.endpoints_disabled for report in reports) == sum(row.disabled_at is not None for row in rows)
    assert company.sql("select 1 from webhook_deliveries where status = 'pending'") == []


def test_two_operators_add_a_secret_once(company: Company) -> None:
    """One is told that it is there, and its secret is not kept."""
    user_id, url = uuid4(), f"{company.receiver.base_url}/hook"

    def add() -> str | None:
        with company.other_worker() as world:
            try:
                return service.add(world, user_id, url, None).secret
            except UsageProblem:
                return None

    with ThreadPoolExecutor(2) as threads:
        made = [future.result() for future in [threads.submit(add) for _ in range(2)]]
    (kept,) = [secret for secret in made if secret is not None]
    (row,) = company.sql("select sealed from webhook_secrets")
    assert company.world.vault.open(row.sealed) == kept


def test_two_operators_rotate_one_after_the_other(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second waits for the first, and ends what that has made: one secret in force has no end."""
    endpoint_id = disabled(company, uuid4())
    add_secret = endpoints.add_secret

    with company.other_worker() as other, ThreadPoolExecutor(1) as thread:
        second: list[Any] = []
        until = company.clock() + timedelta(hours=1)

        def slowly(*given: Any, **named: Any) -> None:
            if not second:
                second.append(thread.submit(service.rotate, other, endpoint_id, None, until))
                company.await_blocked()
            add_secret(*given, **named)

        monkeypatch.setattr(endpoints, "add_secret", slowly)
        service.rotate(company.world, endpoint_id, None, until)
        report = second[0].result()

    assert [one.expires_at for one in report.endpoint.secrets] == [until, until, None]
