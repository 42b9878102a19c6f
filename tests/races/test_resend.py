"""Resends beside each other and beside passes: each try of a delivery belongs to one process, and none is stuck."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from batchctl.domain.delivery import DeliveryRecord, DeliveryStatus
from batchctl.domain.delivery_page import Events
from batchctl.domain.report import WebhookReport
from batchctl.domain.resend import Missed, ResendLine, ResendReport, Window
from batchctl.service.dispatch import dispatch
from batchctl.service.resend import Resend, resend
from batchctl.service.webhooks import deliver
from batchctl.service.world import World, start_pass
from batchctl.simulator.faults import http_status
from batchctl.simulator.server import Request
from batchctl.statement import Conn
from batchctl.store import deliveries
from tests.scenario import Company

DOWN = http_status(500)


def told(company: Company, status: str) -> UUID:
    """Have a batch whose event stands as `status` says; its receiver is well again."""
    company.limit(webhook_quick_retries=0, webhook_slow_retries=0 if status == "failed" else 8)
    company.receiver.script("/hook", then=http_status(200 if status == "sent" else 500))
    batch_id = company.enqueue(uuid4(), 1)
    if status == "pending":
        dispatch(company.world, start_pass(company.world, None))
    else:
        company.run_pass()
    company.limit(webhook_slow_retries=8)
    company.receiver.script("/hook")
    return batch_id


def untold(company: Company) -> UUID:
    """Have a batch that ended, and whose event nobody wrote."""
    batch_id = company.enqueue(uuid4(), 1, webhook=None)
    company.run_pass()
    company.sql("update batch_jobs set webhook_url = %s where id = %s", f"{company.receiver.base_url}/hook", batch_id)
    return batch_id


def event(company: Company, batch_id: UUID) -> Any:
    """Return the row of a batch's one event."""
    (delivery,) = company.deliveries(batch_id)
    return delivery


def send(world: World, batch_id: UUID) -> ResendLine:
    """Resend one batch."""
    (line,) = resend(world, [batch_id], lambda: False).deliveries
    return line


def meanwhile(company: Company, act: Callable[[World], object]) -> list[Any]:
    """Have another worker do something while the next request is at the receiver; return what that came to."""
    came_to: list[Any] = []

    def while_told(_: object) -> None:
        if not came_to:
            came_to.append(None)
            with company.other_worker() as other:
                came_to[0] = act(other)

    company.when_told = while_told
    return came_to


def run(world: World) -> WebhookReport:
    """Run the stage of a pass."""
    return deliver(world, start_pass(world, None))


@pytest.mark.parametrize("before", ["pending", "retrying", "failed", "sent", "untold"])
def test_second_operator_is_told_that_a_try_is_under_way(company: Company, before: str) -> None:
    """Whatever the delivery was, two resends at once make one try; the second says until when it is under way."""
    batch_id = untold(company) if before == "untold" else told(company, before)
    tries, requests = len(company.tries(batch_id)), len(company.receiver.journal.entries)
    came_to = meanwhile(company, lambda other: send(other, batch_id))

    assert send(company.world, batch_id).result == "delivered"

    until = company.clock.now + timedelta(seconds=3)  # The try's 1 s and the slack of 2 s.
    (second,) = came_to
    assert second.result == "not tried"
    assert second.error == f"a try is under way, until {until:%H:%M:%S} UTC at the latest"
    assert len(company.tries(batch_id)) == tries + 1
    assert len(company.receiver.journal.entries) == requests + 1
    assert event(company, batch_id).status == "sent"


def test_try_of_a_pass_is_not_made_twice(company: Company) -> None:
    """While a worker has the delivery at its receiver a resend leaves it alone, and says so."""
    batch_id = told(company, "pending")
    came_to = meanwhile(company, lambda other: send(other, batch_id))
    assert run(company.world) == WebhookReport(sent=1)
    assert (came_to[0].result, "under way" in came_to[0].error) == ("not tried", True)
    assert len(company.tries(batch_id)) == 1


@pytest.mark.parametrize("before", ["pending", "retrying", "untold"])
def test_pass_leaves_alone_what_is_being_resent(company: Company, before: str) -> None:
    """A delivery that is due, or was never written, is not tried by a pass while a resend has it at its receiver."""
    batch_id = untold(company) if before == "untold" else told(company, before)
    company.clock.advance(1000)
    tries = len(company.tries(batch_id))
    came_to = meanwhile(company, run)
    assert send(company.world, batch_id).result == "delivered"
    assert came_to == [WebhookReport()]
    assert len(company.tries(batch_id)) == tries + 1


def test_quick_retry_of_a_pass_is_made_by_the_resend(company: Company) -> None:
    """A pass that slept until its quick retry finds it made, and does not make it again."""
    batch_id = told(company, "pending")
    company.limit(webhook_quick_retries=1)
    company.receiver.script("/hook", DOWN)
    lines: list[ResendLine] = []

    with company.other_worker() as other:

        def sleep(seconds: float) -> None:
            company.clock.sleep(seconds)
            lines.append(send(other, batch_id))

        report = run(replace(company.world, sleep=sleep))

    assert (report, lines[0].result) == (WebhookReport(retrying=1), "delivered")
    assert len(company.tries(batch_id)) == 2


@pytest.mark.parametrize("table", ["webhook_deliveries", "batch_jobs"])
def test_row_that_another_holds_is_not_waited_for(company: Company, table: str) -> None:
    """A resend waits for no lock: what another transaction holds at this moment is not tried, and the next one does."""
    batch_id = told(company, "failed")
    with psycopg.connect(company.dsn) as holder:
        holder.execute(f"select from {table} for no key update".encode())
        line = send(company.world, batch_id)
    assert (line.result, line.error) == ("not tried", "another process holds it at this moment: try again")
    assert send(company.world, batch_id).result == "delivered"


def test_resends_of_the_same_batches_side_by_side(company: Company) -> None:
    """Four operators resend the same forty batches at once: no two tries of one overlap, and each is delivered."""
    company.limit(max_claim=100)
    batch_ids = [untold(company) for _ in range(10)] + [told(company, "failed") for _ in range(30)]
    beside: list[int] = []

    def when_told(request: Request) -> None:
        (open_tries,) = company.sql(
            "select count(*)::int as count from delivery_attempts where delivery_id = %s and duration_ms is null",
            request.headers["webhook-id"],
        )
        beside.append(open_tries.count)

    company.when_told = when_told

    def work() -> int:
        with company.other_worker() as world:
            return resend(world, batch_ids, lambda: False).delivered

    with ThreadPoolExecutor(4) as threads:
        delivered = sum(future.result() for future in [threads.submit(work) for _ in range(4)])

    assert delivered == len(company.receiver.journal.entries) - 30
    assert {event(company, batch_id).status for batch_id in batch_ids} == {"sent"}
    assert {*beside} == {1}


@pytest.mark.parametrize("kind", ["failed", "replay"])
def test_two_selections_at_once_tell_each_customer_once(company: Company, kind: str) -> None:
    """One has selected, and waits for a lock while another one delivers: under the lock it sees that, and skips it."""
    first, second = told(company, "failed"), told(company, "failed")
    requests = len(company.receiver.journal.entries)
    since = company.clock.now - timedelta(hours=1)
    selection: Window | Missed = (
        Window(since=since, until=None, limit=10)
        if kind == "failed"
        else Missed(events=Events(since=since), statuses=(DeliveryStatus.FAILED,), limit=10)
    )
    delivery_id = event(company, second).id

    with company.other_worker() as other, ThreadPoolExecutor(1) as thread:

        def deliver_meanwhile(tx: Conn) -> Future[ResendReport]:
            # It lets others read, so that the selection is made, and not lock a row.
            tx.execute("lock table webhook_deliveries in exclusive mode")
            selecting = thread.submit(resend, company.world, selection, lambda: False)
            (blocked,) = company.await_blocked()
            assert "held_delivery" in blocked.query
            now = company.clock.now
            (claimed,) = deliveries.claim(tx, [delivery_id], lease_until=now, by_operator=True, now=now)
            record = DeliveryRecord(
                id=delivery_id, attempt=claimed.attempt, status=DeliveryStatus.SENT, duration_ms=1, status_code=200
            )
            deliveries.record(tx, [record], now=now)
            return selecting

        report = other.db.transact(deliver_meanwhile).result(10)

    lines = {line.batch_id: line for line in report.deliveries}
    assert (lines[first].result, lines[second].result) == ("delivered", "skipped")
    assert lines[second].error == "it was delivered since it was selected"
    assert (report.delivered, report.skipped, report.not_tried, report.findings) == (1, 1, 0, ())
    assert [entry.headers["x-batch-id"] for entry in company.receiver.journal.entries[requests:]] == [str(first)]
    assert len(company.tries(second)) == 2


def test_selection_skips_what_is_being_tried(company: Company) -> None:
    """While another resend has the event at its receiver, a selection that was made before leaves it alone."""
    batch_id = told(company, "failed")
    window = Window(since=company.clock.now - timedelta(hours=1), until=None, limit=10)
    selected = Resend(company.world, window)
    with company.other_worker() as other:
        company.when_told = lambda _: reports.append(selected.send(lambda: False))
        reports: list[ResendReport] = []
        assert send(other, batch_id).result == "delivered"
    (line,) = reports[0].deliveries
    assert (line.result, line.error) == ("skipped", "somebody else is trying it")
    assert (reports[0].findings, len(company.tries(batch_id))) == ((), 2)


def overtaken(company: Company, batch_id: UUID) -> list[Any]:
    """Have a try last longer than its lease, while another resend makes the next."""

    def later(other: World) -> tuple[ResendLine, Any]:
        company.clock.advance(3.1)
        return send(other, batch_id), event(company, batch_id)

    return meanwhile(company, later)


@pytest.mark.parametrize("before", ["failed", "sent"])
@pytest.mark.parametrize(("newer", "older"), [(200, 200), (200, 500), (500, 500), (500, 410)])
def test_resend_that_was_overtaken_changes_nothing(company: Company, before: str, newer: int, older: int) -> None:
    """What it came to is kept with the try and told; the delivery stands as the newer try left it."""
    batch_id = told(company, before)
    company.receiver.script("/hook", http_status(newer), http_status(older))
    came_to = overtaken(company, batch_id)
    line = send(company.world, batch_id)
    ((newer_line, row),) = came_to
    assert newer_line.status_code == newer
    assert (line.status_code, line.result) == (older, "delivered" if older == 200 else "not delivered")
    assert event(company, batch_id) == row
    assert row.status == ("sent" if newer == 200 else before)
    assert [one.status_code for one in company.tries(batch_id)[1:]] == [older, newer]


def test_acknowledgement_of_a_resend_counts_whenever_it_is_heard(company: Company) -> None:
    """The receiver has it: that a later resend failed meanwhile does not leave the delivery failed."""
    batch_id = told(company, "failed")
    company.receiver.script("/hook", DOWN)
    overtaken(company, batch_id)
    assert send(company.world, batch_id).status == "sent"
    assert (event(company, batch_id).status, company.batch(batch_id).webhook_attempts) == ("sent", 3)


@pytest.mark.parametrize("before", ["failed", "sent", "retrying"])
def test_try_of_a_killed_resend_is_made_again(company: Company, before: str) -> None:
    """Killed while the receiver has the event: until its lease ends it counts as under way, then nothing is stuck.

    A closed delivery is as it was and can be resent; an open one is due again in an ordinary pass.
    """
    batch_id = told(company, before)
    company.when_told = lambda _: process.kill()
    process = company.start_process("webhook", "resend", str(batch_id))
    process.communicate()
    company.when_told = lambda _: None
    assert process.returncode == -9
    company.tries_cut_short = 1
    row = event(company, batch_id)
    assert (row.status, row.attempts, company.batch(batch_id).webhook_attempts) == (before, 2, 2)

    company.clock.now = row.next_attempt_at - timedelta(milliseconds=2)
    assert "under way" in (send(company.world, batch_id).error or "")
    assert company.run_pass().webhook == WebhookReport()
    report = company.run_pass().webhook

    if before == "retrying":
        assert report == WebhookReport(sent=1)
    else:
        assert (report, event(company, batch_id)) == (WebhookReport(), row)
        assert send(company.world, batch_id).result == "delivered"
    assert (event(company, batch_id).attempts, event(company, batch_id).next_attempt_at) == (3, None)
