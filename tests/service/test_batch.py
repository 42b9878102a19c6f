"""The list of batches, and all about one: what is shown is what is there, whoever wrote it and however much it is."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.domain.batch import BatchStatus
from batchctl.domain.batch_page import BatchList, BatchShow, Wanted
from batchctl.domain.failure import FailureType
from batchctl.domain.new_task import NewTask
from batchctl.domain.problem import Problem
from batchctl.service import batch as service
from batchctl.service import wallet
from batchctl.service.create import create
from batchctl.statement import EARLIEST, LATEST
from tests.scenario import Company
from tests.test_plans import FEW, GROWTH_BUFFERS, KEEP_FOR_EVER, MANY, add_history, explained, forget

HOSTILE = "\x1b[2J\u202e[red]x[/red]\n\t'%s' \U0001f468\u200d\U0001f469"


def listed(company: Company, limit: int = 50, **wanted: Any) -> list[UUID]:
    """List the ids of batches."""
    return [line.id for line in service.list_newest(company.world, Wanted(**wanted), limit).batches]


def shown(company: Company, batch_id: UUID, task_limit: int | None = None) -> BatchShow:
    """Show a batch."""
    return service.show(company.world, batch_id, task_limit=task_limit)


@pytest.fixture
def five(company: Company) -> Iterator[list[UUID]]:
    """Give batches of two customers, an hour apart, the newest first: two queued, partial, failed, completed."""
    rich, poor = company.customer(permanent=100), company.customer(permanent=5)
    old = [
        company.enqueue(rich, 1),
        company.enqueue(poor, 3),
        company.enqueue(rich, ["a", "b [sim: fail=error]"]),
    ]
    company.run_until_quiet()
    ids = [*old, company.enqueue(poor, 1, total=2), company.enqueue(rich, 1, total=2)]
    for hours, batch_id in enumerate(reversed(ids)):
        created_at = company.clock.now - timedelta(hours=hours)
        company.sql(
            "update batch_jobs set created_at = %s, enqueued_at = %s where id = %s", created_at, created_at, batch_id
        )
    yield list(reversed(ids))
    company.sql("delete from video_tasks where batch_job_id = any(%s)", ids[3:])
    company.sql("delete from batch_jobs where id = any(%s)", ids[3:])


def test_newest_come_first(company: Company, five: list[UUID]) -> None:
    """Batches of all states are one list by age, with their money and what their customer was told."""
    report = service.list_newest(company.world, Wanted(), 50)

    assert [line.id for line in report.batches] == five
    assert [line.status for line in report.batches] == ["queued", "queued", "partial", "failed", "completed"]
    partial, refused = report.batches[2:4]
    assert (partial.success_count, partial.failed_count, partial.webhook_status) == (1, 1, "sent")
    assert (partial.frozen_credits, partial.credits_spent, partial.credits_refunded) == (20, 10, 10)
    assert (refused.total_count, refused.failed_count, refused.last_error) == (3, 3, "INSUFFICIENT_CREDITS")


def test_filters_narrow_together(company: Company, five: list[UUID]) -> None:
    """State, customer and time narrow the list, each and together; the end of a time is left out."""
    rich, poor = (company.batch(five[at]).user_id for at in (0, 1))
    now, hour = company.clock.now, timedelta(hours=1)

    assert listed(company, statuses=(BatchStatus.FAILED, BatchStatus.QUEUED)) == [five[0], five[1], five[3]]
    assert listed(company, user_id=poor) == [five[1], five[3]]
    assert listed(company, user_id=rich, statuses=(BatchStatus.PARTIAL,)) == [five[2]]
    assert listed(company, since=now - 3 * hour, until=now - hour) == [five[2], five[3]]
    assert listed(company, user_id=uuid4()) == []


def test_more_than_the_limit_is_said(company: Company, five: list[UUID]) -> None:
    """The newest are listed, as many as are asked for; whether there are more is known exactly."""

    def asked(limit: int) -> BatchList:
        return service.list_newest(company.world, Wanted(), limit)

    assert ([line.id for line in asked(2).batches], asked(2).more) == (five[:2], True)
    assert ([line.id for line in asked(5).batches], asked(5).more) == (five, False)


def test_held_are_batches_and_those_of_held_tasks(company: Company, five: list[UUID]) -> None:
    """What waits for an operator is found, be it on hold itself or by a task of it."""
    company.sql("update batch_jobs set hold_reason = 'stuck' where id = %s", five[0])
    company.sql("update video_tasks set hold_reason = 'in doubt' where batch_job_id = %s", five[1])

    report = service.list_newest(company.world, Wanted(only_held=True), 50)

    assert [(line.id, line.hold_reason, line.tasks_on_hold) for line in report.batches] == [
        (five[0], "stuck", 0),
        (five[1], None, 1),
    ]
    assert all(line.is_held for line in report.batches)


def test_running_batch_is_shown_whole(company: Company) -> None:
    """A batch under way: what each task waits for, the price, and from which purse it was paid."""
    user = company.customer(permanent=100, bonus=30)
    company.limit(max_start_per_batch=4)
    batch = company.enqueue(user, ["a", "b [sim: fail=input_moderation]", *["c [sim: never]"] * 4])
    company.run_pass()
    company.clock.advance(6)
    company.run_pass()
    company.run_pass()
    company.clock.advance(60)

    page = shown(company, batch, task_limit=2)

    assert (page.batch.status, page.batch.next_step, page.fill_until) == ("processing", "poll", None)
    counts = page.tasks
    assert (counts.total, counts.pending, counts.at_provider, counts.succeeded, counts.failed) == (6, 0, 4, 1, 1)
    assert counts.poll_due_at is not None
    assert counts.poll_due_at < page.as_of == company.clock.now
    assert (page.frozen_permanent, page.frozen_bonus, page.credits_refunded) == (30, 30, 0)
    assert [(one.failure_type, one.count) for one in page.failures] == [("param_error", 1)]
    assert [(task.batch_index, task.poll_count) for task in page.failed_tasks] == [(1, 1)]
    assert page.task_list is not None
    assert [(task.batch_index, task.status, task.prompt) for task in page.task_list] == [
        (0, "succeeded", "a"),
        (1, "failed", "b [sim: fail=input_moderation]"),
    ]


def test_ended_batch_shows_its_ledger_and_its_tries(company: Company) -> None:
    """A batch that ended: every row of the ledger, every event, every try with its answer."""
    user = company.customer(permanent=100)
    batch = company.enqueue(user, ["a", "b [sim: fail=error]"], webhook="/hook?sim=500&times=2")
    company.run_until_quiet()

    page = shown(company, batch)

    assert page.task_list is None
    assert [(line.type, line.bucket, line.credits_delta, line.balance_after) for line in page.ledger] == [
        ("spend", "permanent", -20, 80),
        ("refund", "permanent", 10, 90),
    ]
    (delivery,) = page.deliveries
    assert (delivery.event_type, delivery.status, delivery.attempts) == ("batch.partial", "sent", 3)
    assert [(one.attempt, one.status_code, one.error) for one in page.tries] == [
        (3, 200, None),
        (2, 500, "HTTP 500"),
        (1, 500, "HTTP 500"),
    ]
    assert {one.delivery_id for one in page.tries} == {delivery.id}


def test_tasks_wait_for_different_things(company: Company) -> None:
    """Pending, put off, in doubt and on hold are told apart, each with its time."""
    user = company.customer(permanent=100)
    batch = company.enqueue(user, ["a [sim: submit=503 submit_times=1]", "b [sim: never]", "c [sim: never]"])
    company.run_pass()
    claimed_at = company.clock.now - timedelta(minutes=5)
    company.sql(
        "update video_tasks set grsai_task_id = null, claimed_at = %s where batch_job_id = %s and batch_index = 1",
        claimed_at,
        batch,
    )
    company.sql("update video_tasks set hold_reason = 'stuck' where batch_job_id = %s and batch_index = 2", batch)

    counts = shown(company, batch).tasks

    assert (counts.pending, counts.in_doubt, counts.at_provider, counts.on_hold) == (1, 1, 1, 1)
    assert counts.start_due_at == company.tasks(batch)[0].next_retry_at
    assert (counts.in_doubt_since, counts.poll_due_at, counts.hold_reason) == (claimed_at, None, "stuck")


def test_queued_batch_says_how_long_it_may_miss_tasks(company: Company) -> None:
    """The wait for tasks counts from the later of both instants, as the refusal does."""
    batch = company.enqueue(company.customer(permanent=100), 1, total=2)
    enqueued_at = company.clock.now + timedelta(minutes=1)
    company.sql("update batch_jobs set enqueued_at = %s where id = %s", enqueued_at, batch)

    assert shown(company, batch).fill_until == enqueued_at + timedelta(minutes=10)
    company.add_tasks(batch, company.batch(batch).user_id, ["b"], first=1)
    company.run_until_quiet()


def test_request_id_is_shown(company: Company) -> None:
    """A batch that was enqueued under a request id says so."""
    user = company.customer(permanent=100)
    report = create(
        company.world, [NewTask(prompt="a")], user_id=user, cost_per_video=1, webhook_url=None, request_id="r-1"
    )
    assert report.batch_id is not None

    assert shown(company, report.batch_id).batch.request_id == "r-1"
    company.run_until_quiet()


def test_batch_that_is_gone_is_a_problem(company: Company) -> None:
    """A batch that was deleted since its id was read is told."""
    with pytest.raises(Problem, match="there is no batch"):
        shown(company, uuid4())


def test_whatever_others_wrote_is_shown(company: Company) -> None:
    """Missing counts and prices, impossible times, hostile text everywhere: all is a page, nothing an error."""
    user = company.customer(permanent=100)
    batch = company.enqueue(user, 1, cost=None, total=None, webhook=HOSTILE)
    company.sql(
        "update batch_jobs set created_at = 'infinity', enqueued_at = '20000-01-01', completed_at = '-infinity',"
        " last_error = %s, hold_reason = %s, webhook_last_error = %s where id = %s",
        *[HOSTILE] * 3,
        batch,
    )
    company.sql(
        "update video_tasks set batch_index = null, status = 'failed', prompt = %s, model = %s, error_message = %s,"
        " failure_type = %s, failure_reason = %s, grsai_task_id = %s, hold_reason = %s, next_poll_at = 'infinity'",
        *[HOSTILE] * 7,
    )
    company.sql(
        "insert into video_tasks (user_id, batch_job_id, status, prompt, grsai_task_id, next_poll_at, claimed_at)"
        " values (%(user)s, %(batch)s, 'processing', null, 'x', 'infinity', 'infinity'),"
        " (%(user)s, %(batch)s, 'processing', null, null, null, '-infinity'),"
        " (%(user)s, %(batch)s, 'queued', null, null, null, null)".replace("%(user)s", f"'{user}'").replace(
            "%(batch)s", f"'{batch}'"
        )
    )
    company.sql(
        "insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id, bucket, meta, created_at)"
        " values (%s, 'adjust', 0, %s, %s, 'permanent', to_jsonb(%s::text), 'infinity')",
        user,
        *[HOSTILE] * 3,
    )
    company.sql(
        "insert into webhook_deliveries (batch_job_id, event_type, url, body, status, last_error)"
        " select %s, %s || n, %s, '', 'retrying', %s from generate_series(1, 300) as n",
        batch,
        *[HOSTILE] * 3,
    )

    page = shown(company, batch, task_limit=10)
    (line,) = service.list_newest(company.world, Wanted(), 50).batches

    assert (line.created_at, line.total_count, line.is_held) == (LATEST, 0, True)
    assert (page.batch.created_at, page.batch.enqueued_at, page.batch.completed_at) == (LATEST, LATEST, EARLIEST)
    assert (page.batch.total_count, page.batch.cost_per_video, page.batch.last_error) == (None, None, HOSTILE)
    assert [(one.failure_type, one.count) for one in page.failures] == [(HOSTILE, 1)]
    assert len(page.deliveries) == 100
    assert page.task_list is not None
    assert sorted(str(task.status) for task in page.task_list) == ["failed", "pending", "processing", "processing"]
    assert wallet.page(company.world, user).ledger[0].ref_type == HOSTILE
    forget(company)


def test_looking_costs_no_more_with_history(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ten times as much history the pages cost as many reads as before, and none reads a table."""
    costs: list[dict[str, int]] = []
    for batches in (FEW, MANY):
        add_history(company, batches)
        company.sql("insert into batch_requests select user_id, id::text, id from batch_jobs on conflict do nothing")
        # Batches of which each has its own time, as they have in life.
        company.sql(
            "update batch_jobs set created_at = created_at - random() * interval '1 day' where webhook_attempts = 1"
        )
        company.sql("vacuum analyze")
        with explained(monkeypatch) as plans:
            look_around(company)
        costs.append(plans.buffers)
    forget(company)

    few, many = costs
    assert {(name, table) for name, table in plans.scanned if table in KEEP_FOR_EVER} == set()
    assert {name: (few[name], cost) for name, cost in many.items() if cost > few[name] + GROWTH_BUFFERS} == {}


def look_around(company: Company) -> None:
    """Ask all that operators ask, about a customer with history and one without."""
    user = company.customer(permanent=100)
    batch = company.enqueue(user, ["a", "b [sim: fail=error]"])
    company.run_until_quiet()
    (old,) = company.sql("select id, user_id from batch_jobs where status = 'partial' and user_id <> %s limit 1", user)
    month: datetime = company.clock.now - timedelta(days=40)
    for owner, batch_id in ((user, batch), (old.user_id, old.id)):
        for wanted in (
            Wanted(),
            Wanted(statuses=(BatchStatus.FAILED,)),
            Wanted(user_id=owner),
            Wanted(user_id=owner, statuses=(BatchStatus.PARTIAL, BatchStatus.COMPLETED)),
            Wanted(since=month),
            Wanted(only_held=True),
        ):
            service.list_newest(company.world, wanted, 5)
        service.show(company.world, batch_id, task_limit=50)
    wallet.grant(company.world, user, 1, reason="test", request_id=str(batch))
    wallet.page(company.world, user)


@pytest.mark.parametrize("many", [1, 3])
def test_batches_are_found_by_what_is_among_their_tasks(company: Company, many: int) -> None:
    """A model, or a type of failure, of one task is enough; named batches are listed whatever their state."""
    customer = company.customer(permanent=100)
    plain = company.enqueue(customer, 1)
    veo = company.enqueue(customer, ["a"] * many, models=["veo-pro"] * many)
    failing = company.enqueue(customer, ["a", "b [sim: fail=input_moderation]"])
    company.run_until_quiet()

    def found(**wanted: Any) -> set[UUID]:
        return {batch.id for batch in service.list_newest(company.world, Wanted(**wanted), 10).batches}

    assert found(model="veo-pro") == {veo}
    assert found(failure_type=FailureType.PARAM_ERROR) == {failing}
    assert found(failure_type=FailureType.TIMEOUT) == set()
    assert found(ids=(plain, failing)) == {plain, failing}


def test_timeline_of_a_batch(company: Company) -> None:
    """The page has when the first task was sent and the last was finished, and what repeats it."""
    batch_id = company.enqueue(company.customer(permanent=100), ["a", "b [sim: polls=2]"])
    company.run_pass()
    began = company.clock.now
    company.run_until_quiet()

    shown = service.show(company.world, batch_id)

    assert shown.tasks.first_sent_at == began
    assert shown.tasks.last_finished_at == max(task.completed_at for task in company.tasks(batch_id))
    assert shown.has_ended
    assert (shown.batch.cancelled_at, shown.batch.retry_of, shown.batch.retried_by) == (None, None, None)
