"""Trying failed tasks again: a new batch at the same price, once unless asked for again, and paid for like any."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from batchctl.domain.action import Command
from batchctl.domain.batch_page import Wanted
from batchctl.domain.failure import FailureType
from batchctl.domain.problem import Problem
from batchctl.domain.retry import RetryReport
from batchctl.domain.task_page import WantedTasks
from batchctl.service import retry as service
from batchctl.service.actions import list_newest
from batchctl.service.retry import Choice, of_batches, of_tasks, rehearse
from tests.races.test_dispatch import held
from tests.scenario import Company

COMMAND = Command(os_user="ann", host="desk", name="batch retry", arguments={}, reason="provider was down")
MIXED = [
    "good",
    "bad [sim: fail=output_moderation]",
    "refused [sim: fail=input_moderation]",
    "worse [sim: fail=output_moderation]",
]


def ended(company: Company, customer: UUID) -> UUID:
    """Return a batch of four tasks that has ended: one succeeded, two failed by the model, one by its parameters."""
    batch_id = company.enqueue(customer, MIXED)
    company.run_until_quiet()
    assert company.batch(batch_id).status == "partial"
    return batch_id


def retry(company: Company, *batch_ids: UUID, again: bool = False, kind: FailureType | None = None) -> RetryReport:
    """Try batches again as the command does."""
    return service.retry(company.world, Choice(batch_ids=batch_ids, failure_type=kind, again=again), COMMAND)


def prompts(company: Company, batch_id: UUID | None) -> list[str]:
    """Return the prompts of a batch in order."""
    assert batch_id is not None
    return [task.prompt for task in company.tasks(batch_id)]


def test_failed_tasks_go_into_a_new_batch(company: Company) -> None:
    """The new one is the customer's, at the same price and told to the same address; both name each other; it runs."""
    customer = company.customer(permanent=100)
    old_id = ended(company, customer)
    before = company.batch(old_id)

    (line,) = retry(company, old_id).batches

    assert (line.tasks, line.required_credits, line.available_credits, line.left) == (3, 30, 90, None)
    assert line.new_batch_id is not None
    new, old = company.batch(line.new_batch_id), company.tasks(old_id)
    assert (new.status, new.user_id, new.total_count, new.cost_per_video) == ("queued", customer, 3, 10)
    assert (new.webhook_url, new.retry_of, new.frozen_credits) == (before.webhook_url, old_id, 0)
    assert prompts(company, new.id) == MIXED[1:]
    assert [task.retry_of for task in company.tasks(new.id)] == [task.id for task in old[1:]]
    assert [task.batch_index for task in company.tasks(new.id)] == [0, 1, 2]
    company.run_until_quiet()
    assert company.batch(old_id) == before
    assert company.batch(new.id).settlement_status == "refunded"
    assert company.wallet(customer) == (90, 0)
    assert len(company.deliveries(new.id)) == 1


def test_what_was_ordered_is_copied_and_nothing_else(company: Company) -> None:
    """Every field of the order is the same, to the last digit of meta; attempts, errors and links begin anew."""
    customer = company.customer(permanent=100)
    old_id = company.enqueue(customer, ["a [sim: fail=error]"], models=["veo-pro"])
    company.sql(
        "update video_tasks set meta = %s, reference_url = 'https://x/y', aspect_ratio = '9:16', duration = 15,"
        " size = 'large' where batch_job_id = %s",
        '{"n": 123456789012345678901234567890.5, "u": ["ü"]}',
        old_id,
    )
    company.run_until_quiet()

    (line,) = retry(company, old_id).batches

    assert line.new_batch_id is not None
    (old,), (new,) = company.tasks(old_id), company.tasks(line.new_batch_id)
    ordered = ("user_id", "prompt", "model", "reference_url", "aspect_ratio", "duration", "size")
    assert [getattr(new, name) for name in ordered] == [getattr(old, name) for name in ordered]
    texts = company.sql("select meta::text as meta from video_tasks")
    assert len({row.meta for row in texts}) == 1
    assert (new.status, new.attempts, new.error_message, new.grsai_task_id) == ("pending", 0, None, None)
    company.run_until_quiet()


def test_one_failure_type(company: Company) -> None:
    """Only the tasks that failed so are tried again; the others can be tried later without asking twice."""
    old_id = ended(company, company.customer(permanent=200))

    (first,) = retry(company, old_id, kind=FailureType.PARAM_ERROR).batches
    (second,) = retry(company, old_id, kind=FailureType.MODEL_ERROR).batches

    assert prompts(company, first.new_batch_id) == [MIXED[2]]
    assert prompts(company, second.new_batch_id) == [MIXED[1], MIXED[3]]
    company.run_until_quiet()


def test_twice_needs_to_be_asked_for(company: Company) -> None:
    """A second time is refused, and says which batch tries it already; asked for, it is done."""
    old_id = ended(company, company.customer(permanent=200))
    (first,) = retry(company, old_id).batches

    (second,) = retry(company, old_id).batches
    (third,) = retry(company, old_id, again=True).batches

    assert second.new_batch_id is None
    assert second.left == f"is tried again already by batch {first.new_batch_id}: --again tries it once more"
    assert third.new_batch_id not in {None, first.new_batch_id}
    company.run_until_quiet()


def test_partly_tried_again_is_said_so(company: Company) -> None:
    """Where some of the tasks are tried again already, all of them together would be tried twice: it is refused."""
    old_id = ended(company, company.customer(permanent=200))
    retry(company, old_id, kind=FailureType.PARAM_ERROR)

    (line,) = retry(company, old_id).batches

    assert str(line.left).startswith("is in part (1 tasks) tried again already by batch ")
    company.run_until_quiet()


def test_open_batches_and_others_are_left(company: Company) -> None:
    """A batch that has not ended, or in which nothing failed, or that has no price, is left with the reason."""
    customer = company.customer(permanent=200)
    fine = company.enqueue(customer, 1)
    company.run_until_quiet()
    priceless = company.enqueue(customer, 1, cost=None)
    company.run_until_quiet()
    open_one = company.enqueue(customer, ["a [sim: fail=error]", "b [sim: polls=9]"])
    company.run_pass()

    left = {line.id: line.left for line in retry(company, fine, priceless, open_one).batches}

    assert left[fine] == "has no failed task that is wanted"
    assert left[priceless] == "has no price at which another batch could be enqueued"
    assert left[open_one] == "is still open (processing): wait for its end, or cancel it"
    assert len(company.sql("select id from batch_jobs")) == 3
    company.run_until_quiet()


def test_refused_batch_can_be_tried_again_when_there_are_credits(company: Company) -> None:
    """What failed for want of credits runs after a grant, and a cancelled batch's tasks run too."""
    customer = company.customer(permanent=5)
    old_id = company.enqueue(customer, 2)
    company.run_until_quiet()
    assert company.batch(old_id).last_error == "INSUFFICIENT_CREDITS"
    company.sql("update credit_wallet set permanent_credits = 25")
    company.sql(
        "insert into credit_ledger (user_id, type, credits_delta) values (%s, 'purchase', 20)",
        customer,
    )

    (line,) = retry(company, old_id).batches
    company.run_until_quiet()

    assert line.new_batch_id is not None
    assert company.batch(line.new_batch_id).status == "completed"


def test_too_few_credits_refuse_the_new_batch_only(company: Company) -> None:
    """It is priced like any other: what the wallet cannot pay ends refused, and nothing else changes."""
    customer = company.customer(permanent=40)
    old_id = ended(company, customer)
    company.enqueue(customer, ["spends it [sim: polls=2]"])
    company.run_until_quiet()
    before = company.batch(old_id)

    rehearsed = rehearse(company.world, Choice(batch_ids=(old_id,)))
    (line,) = retry(company, old_id).batches
    company.run_until_quiet()

    assert (rehearsed.batches[0].required_credits, rehearsed.batches[0].available_credits) == (30, 20)
    assert line.new_batch_id is not None
    assert company.batch(line.new_batch_id).last_error == "INSUFFICIENT_CREDITS"
    assert company.batch(old_id) == before


def test_rehearsal_writes_nothing(company: Company) -> None:
    """It says what would be enqueued at what price, by the selector that the act uses, and leaves no record."""
    customer = company.customer(permanent=100)
    old_id = ended(company, customer)
    before = company.sql("select * from batch_jobs order by id")

    choice = of_batches(company.world, Wanted(user_id=customer), failure_type=None, again=False, batch_limit=5)
    report = rehearse(company.world, choice)

    assert (report.is_rehearsal, report.enqueued, report.tasks, report.required_credits) == (True, 1, 3, 30)
    assert (report.batches[0].id, report.batches[0].new_batch_id) == (old_id, None)
    assert company.sql("select * from batch_jobs order by id") == before
    assert company.sql("select * from operator_actions") == []


def test_chosen_tasks_of_several_batches(company: Company) -> None:
    """Each batch whose tasks are chosen gets one new batch with just those; a task that did not fail is named."""
    customer = company.customer(permanent=400)
    one, two = ended(company, customer), ended(company, customer)
    first, second = company.tasks(one)[3].id, company.tasks(two)[1].id
    fine = company.tasks(one)[0].id

    choice, others = of_tasks(company.world, WantedTasks(ids=(first, second, fine)), again=False, task_limit=10)
    report = service.retry(company.world, choice, COMMAND)

    assert others == [fine]
    assert report.schema == "batchctl/task.retry/1"
    by_old = {line.id: prompts(company, line.new_batch_id) for line in report.batches}
    assert by_old == {one: [MIXED[3]], two: [MIXED[1]]}
    company.run_until_quiet()


def test_large_batches_are_copied_in_groups(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """No statement copies more tasks than its bound; the order and the places are whole."""
    monkeypatch.setattr(service, "TASKS_AT_ONCE", 2)
    customer = company.customer()
    old_id = company.enqueue(customer, [f"clip {number}" for number in range(5)])
    company.run_until_quiet()

    (line,) = retry(company, old_id).batches

    assert prompts(company, line.new_batch_id) == [f"clip {number}" for number in range(5)]
    assert line.new_batch_id is not None
    assert [task.batch_index for task in company.tasks(line.new_batch_id)] == list(range(5))
    company.run_until_quiet()


def test_new_batch_is_whole_or_not_at_all(company: Company) -> None:
    """A task that the database refuses undoes its whole batch; those before it are enqueued, and the record says so."""
    customer = company.customer()
    good, bad = company.enqueue(customer, 1), company.enqueue(customer, ["a", "poison"])
    company.run_until_quiet()
    company.sql("alter table video_tasks add check (prompt <> 'poison' or retry_of is null)")

    with pytest.raises(Problem, match="the new batch, after 1 others, and nothing was written"):
        retry(company, good, bad)

    assert len(company.sql("select id from batch_jobs where retry_of = %s", good)) == 1
    assert company.sql("select id from batch_jobs where retry_of = %s", bad) == []
    (action,) = list_newest(company.world, limit=1).actions
    assert (action.outcome, action.matched_count, action.changed_count) == ("failed", 2, 1)
    company.run_until_quiet()


def test_two_at_once_enqueue_one(company: Company) -> None:
    """Two operators try the same batch again at the same moment: the second waits for the first, and is refused."""
    old_id = ended(company, company.customer(permanent=200))
    with company.other_worker() as other, ThreadPoolExecutor(2) as threads:
        with held(company, "select id from batch_jobs where id = %s for update", old_id):
            choice = Choice(batch_ids=(old_id,))
            both = [threads.submit(service.retry, world, choice, COMMAND) for world in (company.world, other)]
            company.await_blocked(2)
        made = [line.new_batch_id for future in both for line in future.result().batches]
    assert len([new_id for new_id in made if new_id is not None]) == 1
    assert len(company.sql("select id from batch_jobs where retry_of = %s", old_id)) == 1
    company.run_until_quiet()
