"""Webhooks with several workers: each try belongs to one of them, and none is lost with a worker that dies."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.domain.report import WebhookReport
from batchctl.service.dispatch import dispatch
from batchctl.service.webhooks import deliver
from batchctl.service.world import World, start_pass
from batchctl.simulator.faults import Fault, http_status
from batchctl.simulator.server import Request
from tests.scenario import Company

DOWN = http_status(500)
OK = http_status(200)


def refused(company: Company, events: int = 1) -> list[UUID]:
    """Write events of refused batches, and try none of them."""
    batch_ids = [company.enqueue(uuid4(), 1) for _ in range(events)]
    company.limit(max_claim=100)
    dispatch(company.world, start_pass(company.world, None))
    return batch_ids


def run(world: World) -> WebhookReport:
    """Run the stage as a pass of its own."""
    return deliver(world, start_pass(world, None))


def event(company: Company, batch_id: UUID) -> Any:
    """Return the row of a batch's one event."""
    (delivery,) = company.deliveries(batch_id)
    return delivery


def test_workers_side_by_side_send_each_event_once(company: Company) -> None:
    """Four workers share a hundred events: every one is delivered, and none twice."""
    refused(company, 100)

    def work() -> int:
        with company.other_worker() as world:
            return run(world).sent

    with ThreadPoolExecutor(4) as threads:
        sent = [future.result() for future in [threads.submit(work) for _ in range(4)]]
    assert sum(sent) == 100
    entries = company.receiver.journal.entries
    assert (len(entries), len(company.receiver.journal.delivered())) == (100, 100)


@pytest.mark.parametrize(
    ("answer", "second"), [(OK, WebhookReport(sent=1)), (DOWN, WebhookReport(retrying=1))], ids=["sent", "failed"]
)
def test_quick_retry_that_another_worker_made_is_not_waited_for(
    company: Company, answer: Fault, second: WebhookReport
) -> None:
    """A worker that slept until a retry, and finds it made, goes on: it neither makes it again nor waits for ever."""
    company.limit(webhook_quick_retries=1)
    company.receiver.script("/hook", DOWN, answer)
    (batch_id,) = refused(company)
    reports: list[WebhookReport] = []

    with company.other_worker() as other:

        def sleep(seconds: float) -> None:
            assert not reports, "it sleeps again and again"
            company.clock.sleep(seconds)
            reports.append(run(other))

        first = run(replace(company.world, sleep=sleep))

    assert first == WebhookReport(retrying=1)
    assert reports == [second]
    assert (event(company, batch_id).attempts, len(company.tries(batch_id))) == (2, 2)


def overtaken(company: Company, batch_id: UUID) -> list[Any]:
    """Have a try last longer than its lease, while another worker makes the next; return the event's row after it."""
    rows: list[Any] = []

    def while_told(_: Request) -> None:
        if not rows:
            rows.append(None)
            company.clock.advance(3.1)  # The try's 1 s and the slack of 2 s.
            with company.other_worker() as other:
                run(other)
            rows[0] = event(company, batch_id)

    company.when_told = while_told
    return rows


def test_acknowledgement_counts_whenever_it_is_heard(company: Company) -> None:
    """The receiver has it: that a later try failed meanwhile does not make us send it again."""
    company.limit(webhook_quick_retries=0)
    company.receiver.script("/hook", DOWN, OK)  # The second worker's answer comes first.
    (batch_id,) = refused(company)
    rows = overtaken(company, batch_id)
    assert run(company.world) == WebhookReport(sent=1)
    assert (rows[0].status, rows[0].attempts) == ("retrying", 2)
    delivery, batch = event(company, batch_id), company.batch(batch_id)
    assert (delivery.status, delivery.attempts, delivery.next_attempt_at) == ("sent", 2, None)
    assert (batch.webhook_status, batch.webhook_attempts) == ("sent", 2)
    assert [one.status_code for one in company.tries(batch_id)] == [200, 500]


@pytest.mark.parametrize(("newer", "older"), [(200, 200), (200, 500), (200, 410), (500, 500), (500, 410)])
def test_try_that_was_overtaken_changes_nothing(company: Company, newer: int, older: int) -> None:
    """What it came to is kept with it; the delivery stands as the newer try left it."""
    company.limit(webhook_quick_retries=0)
    company.receiver.script("/hook", http_status(newer), http_status(older))
    (batch_id,) = refused(company)
    rows = overtaken(company, batch_id)
    assert run(company.world) == WebhookReport()
    assert event(company, batch_id) == rows[0]
    assert rows[0].status == ("sent" if newer == 200 else "retrying")
    assert [one.status_code for one in company.tries(batch_id)] == [older, newer]


def test_try_of_a_killed_worker_is_made_again(company: Company) -> None:
    """Killed while the receiver has the event: after the lease it comes again with the same id, and both tries show."""
    customer = company.customer(permanent=10)
    batch_id = company.enqueue(customer, ["a [sim: fail=error]"])
    company.run_pass()
    company.sql("update video_tasks set next_poll_at = null")
    company.when_told = lambda _: process.kill()
    process = company.start_process("run-once")
    process.communicate()
    company.when_told = lambda _: None
    assert process.returncode == -9
    company.tries_cut_short = 1
    batch, delivery = company.batch(batch_id), event(company, batch_id)
    assert (batch.settlement_status, batch.webhook_status, company.wallet(customer)) == ("refunded", "pending", (10, 0))
    assert (delivery.status, delivery.attempts) == ("pending", 1)

    company.clock.now = delivery.next_attempt_at - timedelta(milliseconds=2)
    assert company.run_pass().webhook == WebhookReport()
    assert company.run_pass().webhook == WebhookReport(sent=1)

    first, second = company.receiver.journal.entries
    assert first.webhook_id == second.webhook_id == str(delivery.id)
    cut_short, made = company.tries(batch_id)
    assert (cut_short.attempt, cut_short.duration_ms, cut_short.status_code) == (1, None, None)
    assert (made.attempt, made.status_code) == (2, 200)
    assert (company.batch(batch_id).webhook_attempts, len(company.ledger(batch_id))) == (2, 2)


def test_killed_tries_use_up_the_schedule(company: Company) -> None:
    """A receiver at which every worker dies is not told for ever: each try counts, ended or not."""
    company.limit(webhook_quick_retries=0, webhook_slow_retries=1)
    (batch_id,) = refused(company)
    company.sql(
        "with died as (update webhook_deliveries set attempts = 2 returning id)"
        " insert into delivery_attempts (delivery_id, attempt, started_at)"
        " select id, n, %s from died cross join generate_series(1, 2) as n",
        company.clock.now,
    )
    company.tries_cut_short = 2
    company.receiver.script("/hook", then=DOWN)
    assert run(company.world) == WebhookReport(failed=1)
    assert (event(company, batch_id).attempts, company.batch(batch_id).webhook_attempts) == (3, 3)
