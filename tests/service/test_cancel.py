"""Cancelling batches: what is not sent fails and is refunded, what runs is let finish, nothing starts afterwards."""

import json
from uuid import UUID, uuid4

import pytest

from batchctl.domain.action import Command
from batchctl.domain.batch_page import Wanted
from batchctl.domain.cancel import CancelReport
from batchctl.service import cancel as service
from batchctl.service import unsent
from batchctl.service.actions import list_newest
from batchctl.service.claim import claim
from batchctl.simulator.faults import http_status
from batchctl.simulator.server import Request
from tests.scenario import Company

COMMAND = Command(os_user="ann", host="desk", name="batch cancel", arguments={}, reason="wrong prompt")


def cancel(company: Company, *batch_ids: UUID) -> CancelReport:
    """Cancel batches as the command does."""
    return service.cancel(company.world, batch_ids, COMMAND)


def outcomes(company: Company, batch_id: UUID) -> list[tuple[str, str | None, str | None]]:
    """Return how each task of a batch stands, in order."""
    return [(task.status, task.error_message, task.failure_type) for task in company.tasks(batch_id)]


CANCELLED = ("failed", "CANCELLED", "unknown")


def test_unsent_tasks_fail_and_running_ones_finish(company: Company) -> None:
    """Of twelve tasks ten are at the provider and finish; two fail as CANCELLED, and their credits come back."""
    customer = company.customer(permanent=200)
    batch_id = company.enqueue(customer, ["clip [sim: polls=2]"] * 12)
    company.run_pass()

    report = cancel(company, batch_id)

    (line,) = report.batches
    assert (line.unsent, line.in_flight, line.credits_back, line.left) == (2, 10, 20, None)
    assert outcomes(company, batch_id)[10:] == [CANCELLED] * 2
    company.run_until_quiet()
    batch = company.batch(batch_id)
    assert (batch.status, batch.success_count, batch.failed_count, batch.credits_spent) == ("partial", 10, 2, 100)
    assert (batch.last_error, company.wallet(customer)) == ("CANCELLED", (100, 0))
    (delivery,) = company.deliveries(batch_id)
    assert json.loads(delivery.body)["reason"] == "CANCELLED"
    assert len(company.provider.journal.submissions) == 10


def test_queued_batch_ends_with_nothing_frozen(company: Company) -> None:
    """A batch that was not claimed fails as the refused ones do, and its customer is told of it once."""
    customer = company.customer(permanent=100)
    batch_id = company.enqueue(customer, 3)

    report = cancel(company, batch_id)

    batch = company.batch(batch_id)
    assert (report.cancelled, report.unsent, report.credits_back) == (1, 3, 0)
    assert (batch.status, batch.last_error, batch.settlement_status) == ("failed", "CANCELLED", "pending")
    assert (batch.frozen_credits, batch.failed_count, batch.completed_at) == (0, 3, company.clock.now)
    assert outcomes(company, batch_id) == [CANCELLED] * 3
    company.run_until_quiet()
    assert (company.ledger(batch_id), company.wallet(customer)) == ([], (100, 0))
    (delivery,) = company.deliveries(batch_id)
    assert (delivery.event_type, delivery.status) == ("batch.failed", "sent")
    assert company.provider.journal.submissions == ()


def test_batch_whose_tasks_are_still_being_written_ends_too(company: Company) -> None:
    """Tasks that come after the cancellation are failed by a later pass, never sent."""
    customer = company.customer(permanent=100)
    batch_id = company.enqueue(customer, 1, total=3)
    cancel(company, batch_id)
    company.add_tasks(batch_id, customer, ["late", "later"], first=1)

    company.run_until_quiet()

    assert outcomes(company, batch_id) == [CANCELLED] * 3
    assert company.provider.journal.submissions == ()


def test_deferred_tasks_are_cancelled(company: Company) -> None:
    """A task that was put off waits to be sent like any other: it fails at once, not when its wait is over."""
    customer = company.customer(permanent=10)
    batch_id = company.enqueue(customer, 1)
    company.provider.status = http_status(503)
    company.run_pass()
    assert company.tasks(batch_id)[0].next_retry_at > company.clock.now

    cancel(company, batch_id)

    assert outcomes(company, batch_id) == [CANCELLED]
    company.run_until_quiet()
    assert company.wallet(customer) == (10, 0)


def test_task_handed_back_after_the_cancellation_is_not_sent_again(company: Company) -> None:
    """A submission under way when its batch is cancelled is put off by the provider: it fails as CANCELLED."""
    customer = company.customer(permanent=20)
    batch_id = company.enqueue(customer, ["a [sim: submit=503 submit_times=1]", "b"])
    company.limit(max_start_per_batch=1)
    asked: list[Request] = []
    with company.other_worker() as desk:

        def cancel_once(request: Request) -> None:
            asked.append(request)
            if len(asked) == 1:
                assert service.cancel(desk, [batch_id], COMMAND).batches[0].in_flight == 1

        company.when_asked = cancel_once
        company.run_pass()
    assert [task.status for task in company.tasks(batch_id)] == ["pending", "failed"]

    company.run_until_quiet()

    assert outcomes(company, batch_id) == [CANCELLED] * 2
    assert len(asked) == 1
    assert company.wallet(customer) == (20, 0)


def test_cancelling_again_changes_nothing(company: Company) -> None:
    """Idempotent: the second time says so, writes no second event, and moves no instant."""
    customer = company.customer(permanent=200)
    queued, running = company.enqueue(customer, 1), company.enqueue(customer, ["a [sim: never]"] * 12)
    company.sql("update batch_jobs set created_at = created_at - interval '1 hour' where id = %s", running)
    company.limit(max_claim=1)
    company.run_pass()
    cancel(company, queued, running)
    before = company.sql("select * from batch_jobs order by id")
    company.clock.advance(60)

    again = cancel(company, queued, running)

    assert {line.left for line in again.batches} == {"is cancelled already"}
    assert (again.cancelled, again.credits_back) == (0, 0)
    assert company.sql("select * from batch_jobs order by id") == before
    assert len(company.deliveries(queued)) == 1


def test_ended_batches_are_left(company: Company) -> None:
    """What has ended has ended; it is told beside those that were cancelled."""
    customer = company.customer(permanent=100)
    done = company.enqueue(customer, 1)
    company.run_until_quiet()
    before = company.batch(done)
    open_one = company.enqueue(customer, 1)

    report = cancel(company, done, open_one)

    assert {line.id: line.left for line in report.batches} == {done: "has ended: completed", open_one: None}
    assert company.batch(done) == before


def test_batch_on_hold_sends_nothing_when_it_is_released(company: Company) -> None:
    """No stage touches it while it is on hold; released, its tasks fail instead of being sent."""
    customer = company.customer(permanent=20)
    batch_id = company.enqueue(customer, 2)
    claim(company.world)
    company.sql("update batch_jobs set hold_reason = 'stuck' where id = %s", batch_id)

    (line,) = cancel(company, batch_id).batches
    company.run_pass()

    assert (line.is_held, line.left) == (True, None)
    assert [task.status for task in company.tasks(batch_id)] == ["pending"] * 2
    company.sql("update batch_jobs set hold_reason = null where id = %s", batch_id)
    company.run_until_quiet()
    assert outcomes(company, batch_id) == [CANCELLED] * 2
    assert (company.wallet(customer), company.provider.journal.submissions) == ((20, 0), ())


def test_next_pass_does_what_a_killed_command_left(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark is all that counts: when the command dies before it fails tasks, none is sent, and a pass fails them."""
    customer = company.customer(permanent=30)
    batch_id = company.enqueue(customer, 3)
    claim(company.world)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(service, "close_refused", die)
        with pytest.raises(KeyboardInterrupt):
            cancel(company, batch_id)
    assert company.batch(batch_id).next_step == "close"
    company.run_until_quiet()

    assert outcomes(company, batch_id) == [CANCELLED] * 3
    assert (company.wallet(customer), company.provider.journal.submissions) == ((30, 0), ())
    assert [action.outcome for action in list_newest(company.world, limit=1).actions] == ["interrupted"]


def test_large_cancellations_go_in_groups(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """No statement fails more tasks, and no transaction holds more batches, than its bound; all of it is done."""
    monkeypatch.setattr(service, "BATCHES_AT_ONCE", 2)
    for module in (service, unsent):
        monkeypatch.setattr(module, "UNSENT_TASKS_PER_PASS", 4)
    customer = company.customer(permanent=1000)
    batch_ids = [company.enqueue(customer, 7) for _ in range(5)]
    claim(company.world)

    report = cancel(company, *batch_ids)

    assert (report.cancelled, report.unsent, report.credits_back) == (5, 35, 350)
    assert company.sql("select status, count(*) as n from video_tasks group by status") == [("failed", 35)]
    company.run_until_quiet()
    assert company.wallet(customer) == (1000, 0)


def test_row_that_cannot_be_written_stops_no_other(company: Company) -> None:
    """One batch that breaks a rule of the database is left with what the database said; the others are cancelled."""
    customer = company.customer(permanent=100)
    good, bad = company.enqueue(customer, 1), company.enqueue(customer, 1)
    company.conn.execute(f"alter table batch_jobs add check (id <> '{bad}' or cancelled_at is null)".encode())

    left = {line.id: line.left for line in cancel(company, good, bad).batches}

    assert left[good] is None
    assert "was refused by the database" in str(left[bad])
    assert company.batch(bad).status == "queued"
    company.run_until_quiet()


def test_batch_in_the_original_worker_s_hands_is_left(company: Company) -> None:
    """A batch that is paid for and not claimed is the original's; to end it here would lose what it paid."""
    customer = company.customer(permanent=100)
    company.sql("insert into adoption (singleton) values (true)")
    batch_id = company.enqueue(customer, 1)
    company.sql("alter table batch_jobs drop constraint batch_jobs_frozen_when_claimed")
    company.sql("update batch_jobs set frozen_credits = 10 where id = %s", batch_id)

    (line,) = cancel(company, batch_id).batches

    assert "a pass must put it right first" in str(line.left)
    assert company.batch(batch_id).cancelled_at is None
    company.sql("update batch_jobs set frozen_credits = 0 where id = %s", batch_id)
    company.sql(
        "alter table batch_jobs add constraint batch_jobs_frozen_when_claimed"
        " check (status <> 'queued' or frozen_credits = 0)"
    )
    company.run_until_quiet()


def test_rehearsal_writes_nothing(company: Company) -> None:
    """It finds by the selector what the act would find, with the same numbers, and leaves every row alone."""
    customer = company.customer(permanent=100)
    wanted_one, _ = company.enqueue(customer, 2), company.enqueue(company.customer(permanent=10), 1)
    company.run_pass()
    company.enqueue(customer, 1)
    before = company.sql("select * from batch_jobs order by id")

    report = service.rehearse(company.world, Wanted(user_id=customer), batch_limit=10)

    assert report.is_rehearsal
    assert [(line.unsent, line.in_flight, line.credits_back) for line in report.batches] == [(1, 0, 0), (0, 2, 0)]
    assert report.batches[1].id == wanted_one
    assert company.sql("select * from batch_jobs order by id") == before
    assert company.sql("select * from operator_actions") == []
    company.run_until_quiet()


def test_record_says_what_it_came_to(company: Company) -> None:
    """The action names who and why, how many were meant and how many changed, and what is given back."""
    batch_id = company.enqueue(company.customer(permanent=100), 3)
    claim(company.world)

    cancel(company, batch_id, uuid4())

    (action,) = list_newest(company.world, limit=5).actions
    assert (action.command, action.reason, action.outcome) == ("batch cancel", "wrong prompt", "done")
    assert (action.matched_count, action.changed_count, action.credits) == (2, 1, 30)
    company.run_until_quiet()
