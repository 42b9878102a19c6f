"""A cancellation against passes at the same moment: in either order no task starts after it, and the books add up."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from batchctl.domain.action import Command
from batchctl.domain.cancel import CancelReport
from batchctl.failpoint import Failpoint
from batchctl.service import cancel as service
from batchctl.service import submit
from batchctl.service.claim import claim
from batchctl.service.dispatch import dispatch
from batchctl.service.refuse import refuse
from batchctl.service.world import World, start_pass
from batchctl.statement import Conn
from tests.races.test_dispatch import held
from tests.scenario import Company

COMMAND = Command(os_user="ann", host="desk", name="batch cancel", arguments={}, reason=None)


def cancel(world: World, batch_id: UUID) -> CancelReport:
    """Cancel a batch as the command does."""
    return service.cancel(world, [batch_id], COMMAND)


class Gate:
    """A place in the code where a thread stops until the test lets it go on."""

    def __init__(self) -> None:
        """Start shut."""
        self.is_reached, self.is_open = threading.Event(), threading.Event()

    def stop(self) -> None:
        """Wait here."""
        self.is_reached.set()
        assert self.is_open.wait(20)


def errors_of(company: Company, batch_id: UUID) -> list[str | None]:
    """Return what the tasks of a batch failed for, in order."""
    return [task.error_message for task in company.tasks(batch_id)]


def test_cancellation_waits_for_tasks_being_claimed_for_sending(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass has claimed tasks and not committed: the cancellation waits for it, lets those finish, fails the rest."""
    customer = company.customer(permanent=50)
    batch_id = company.enqueue(customer, 5)
    company.limit(max_start_per_batch=2)
    claim(company.world)
    gate = Gate()
    pids: list[int] = []

    def stopping(point: Failpoint, conn: Conn | None = None) -> None:
        if point is Failpoint.SUBMIT_BEFORE_INTENT and conn is not None and not pids:
            pids.append(conn.info.backend_pid)
            gate.stop()

    monkeypatch.setattr(submit, "reach", stopping)
    with company.other_worker() as desk, ThreadPoolExecutor(2) as threads:
        passing = threads.submit(dispatch, company.world, start_pass(company.world, None))
        assert gate.is_reached.wait(20)
        cancelling = threads.submit(cancel, desk, batch_id)
        (waiting,) = company.await_blocked()
        assert (waiting.blocked_by, "from batch_jobs" in waiting.query) == (pids, True)
        gate.is_open.set()
        (line,) = cancelling.result().batches
        assert passing.result().tasks_started == 2
    assert (line.unsent, line.in_flight) == (3, 2)
    company.run_until_quiet()
    assert errors_of(company, batch_id) == [None, None, "CANCELLED", "CANCELLED", "CANCELLED"]
    assert company.wallet(customer) == (30, 0)


def test_pass_starts_nothing_of_a_batch_being_cancelled(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cancellation holds the batch and has not committed: a pass goes past it, and finds nothing to send after."""
    customer = company.customer(permanent=30)
    batch_id = company.enqueue(customer, 3)
    claim(company.world)
    gate = Gate()

    def stopping(*_: Any) -> None:
        gate.stop()

    monkeypatch.setattr(service, "refuse", stopping)
    with company.other_worker() as desk, ThreadPoolExecutor(1) as threads:
        cancelling = threads.submit(cancel, desk, batch_id)
        assert gate.is_reached.wait(20)
        assert dispatch(company.world, start_pass(company.world, None)).tasks_started == 0
        gate.is_open.set()
        assert cancelling.result().cancelled == 1
    company.run_until_quiet()
    assert errors_of(company, batch_id) == ["CANCELLED"] * 3
    assert (company.wallet(customer), company.provider.journal.submissions) == ((30, 0), ())


def test_answer_that_puts_a_task_off_waits_for_the_cancellation(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task comes back to be sent later while its batch is being cancelled: the write waits, and then it fails too."""
    customer = company.customer(permanent=10)
    batch_id = company.enqueue(customer, ["a [sim: submit=503 submit_times=1]"])
    gate = Gate()

    def stopping(*_: Any) -> None:
        gate.stop()

    monkeypatch.setattr(service, "refuse", stopping)
    with company.other_worker() as desk, ThreadPoolExecutor(2) as threads:

        def cancel_now(_request: object) -> None:
            if not gate.is_reached.is_set():
                threads.submit(cancel, desk, batch_id)
                assert gate.is_reached.wait(20)

        company.when_asked = cancel_now
        passing = threads.submit(dispatch, company.world, start_pass(company.world, None))
        (waiting,) = company.await_blocked()
        assert "update video_tasks" in waiting.query
        gate.is_open.set()
        assert passing.result().start_deferred == 1
    company.run_until_quiet()
    assert errors_of(company, batch_id) == ["CANCELLED"]
    assert company.wallet(customer) == (10, 0)


def test_cancellation_waits_for_the_claim_and_gives_back_what_it_froze(company: Company) -> None:
    """A pass is freezing the batch's credits: the cancellation waits, finds it processing, and all comes back."""
    customer = company.customer(permanent=30)
    batch_id = company.enqueue(customer, 3)
    with company.other_worker() as desk, ThreadPoolExecutor(2) as threads:
        with held(company, "select from credit_wallet where user_id = %s for update", customer):
            claiming = threads.submit(claim, company.world)
            (stopped,) = company.await_blocked()
            cancelling = threads.submit(cancel, desk, batch_id)
            waiting = {row.pid: row for row in company.await_blocked(2)}
            del waiting[stopped.pid]
            (behind,) = waiting.values()
            assert behind.blocked_by == [stopped.pid]
        assert claiming.result().frozen == 1
        (line,) = cancelling.result().batches
    assert (line.status, line.unsent, line.credits_back) == ("processing", 3, 30)
    company.run_until_quiet()
    batch = company.batch(batch_id)
    assert (batch.frozen_credits, batch.credits_spent, batch.settlement_status) == (30, 0, "refunded")
    assert company.wallet(customer) == (30, 0)


def test_batch_being_cancelled_is_not_claimed(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cancellation of a queued batch has not committed: a pass claims the others, and this one never."""
    customer = company.customer(permanent=30)
    batch_id, other_id = company.enqueue(customer, 1), company.enqueue(customer, 1)
    gate = Gate()

    def stopping(*given: Any) -> None:
        gate.stop()
        refuse(*given)

    monkeypatch.setattr(service, "refuse", stopping)
    with company.other_worker() as desk, ThreadPoolExecutor(1) as threads:
        cancelling = threads.submit(cancel, desk, batch_id)
        assert gate.is_reached.wait(20)
        assert claim(company.world).frozen == 1
        gate.is_open.set()
        assert cancelling.result().cancelled == 1
    company.run_until_quiet()
    assert (company.batch(batch_id).frozen_credits, company.batch(other_id).status) == (0, "completed")
    assert len(company.deliveries(batch_id)) == 1
