"""Tasks for operators: the list by every part of the selector, and all about one."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.domain.batch_page import Wanted
from batchctl.domain.failure import FailureType
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.domain.task import TaskStatus
from batchctl.domain.task_page import WantedTasks
from batchctl.service import cancel
from batchctl.service.retry import Choice, of_tasks, rehearse
from batchctl.service.select import Selector, pick_task, select_batches, select_tasks
from batchctl.service.task import list_newest, show
from batchctl.simulator.faults import http_status
from tests.scenario import Company
from tests.test_plans import FEW, GROWTH_BUFFERS, KEEP_FOR_EVER, MANY, add_history, explained, forget

MIXED = ["good", "bad [sim: fail=output_moderation]", "refused [sim: fail=input_moderation]"]


def prompts(company: Company, wanted: WantedTasks, limit: int = 50) -> list[str | None]:
    """Return the prompts of the tasks that are listed."""
    return [(task.prompt or "").partition(" ")[0] for task in list_newest(company.world, wanted, limit).tasks]


def test_each_part_of_the_selector_narrows(company: Company) -> None:
    """Of two customers' batches the tasks are found by batch, state, type, model, customer, hold, time, job."""
    one, two = company.customer(permanent=100), company.customer(permanent=100)
    older = company.enqueue(one, MIXED)
    company.run_until_quiet()
    newer = company.enqueue(two, ["veo", "held"], models=["veo-pro", "sora-2"])
    company.sql(
        "update batch_jobs set created_at = created_at - interval '3 hours' where id = %s",
        older,
    )
    company.sql("update video_tasks set hold_reason = 'x' where prompt = 'held'")
    since = company.batch(newer).created_at - timedelta(hours=1)
    job = company.tasks(older)[0].grsai_task_id

    assert prompts(company, WantedTasks()) == ["veo", "held", "good", "bad", "refused"]
    assert prompts(company, WantedTasks(batch_ids=(older,))) == ["good", "bad", "refused"]
    assert prompts(company, WantedTasks(statuses=(TaskStatus.FAILED,))) == ["bad", "refused"]
    assert prompts(company, WantedTasks(statuses=(TaskStatus.PENDING, TaskStatus.SUCCEEDED))) == ["veo", "held", "good"]
    assert prompts(company, WantedTasks(failure_type=FailureType.PARAM_ERROR)) == ["refused"]
    assert prompts(company, WantedTasks(model="veo-pro")) == ["veo"]
    assert prompts(company, WantedTasks(user_id=one)) == ["good", "bad", "refused"]
    assert prompts(company, WantedTasks(only_held=True)) == ["held"]
    assert prompts(company, WantedTasks(since=since)) == ["veo", "held"]
    assert prompts(company, WantedTasks(until=since)) == ["good", "bad", "refused"]
    assert prompts(company, WantedTasks(provider_id=job)) == ["good"]
    assert prompts(company, WantedTasks(ids=(company.tasks(older)[1].id,))) == ["bad"]
    assert prompts(company, WantedTasks(user_id=uuid4())) == []
    company.sql("update video_tasks set hold_reason = null")
    company.run_until_quiet()


def test_legacy_queued_is_pending(company: Company) -> None:
    """The original's word for pending is found and told as pending."""
    batch_id = company.enqueue(company.customer(permanent=10), ["a"])
    company.sql("update video_tasks set status = 'queued'")

    (task,) = list_newest(company.world, WantedTasks(statuses=(TaskStatus.PENDING,)), 5).tasks

    assert (task.batch_id, task.status) == (batch_id, "pending")
    company.run_until_quiet()


def test_more_than_asked_for_is_said(company: Company) -> None:
    """Who sees a part is told that it is one."""
    company.enqueue(company.customer(permanent=100), 3)
    assert list_newest(company.world, WantedTasks(), 2).more
    assert not list_newest(company.world, WantedTasks(), 3).more
    company.run_until_quiet()


def test_tasks_outside_batches_are_not_ours(company: Company) -> None:
    """A single video of the original application is neither listed nor found by its id."""
    ((task_id,),) = company.sql(
        "insert into video_tasks (user_id, prompt, grsai_task_id) values (%s, 'alone', 'job') returning id", uuid4()
    )

    assert prompts(company, WantedTasks()) == prompts(company, WantedTasks(ids=(task_id,))) == []
    assert prompts(company, WantedTasks(provider_id="job")) == []
    with pytest.raises(UsageProblem, match="there is no task"):
        pick_task(company.world, str(task_id))


def test_show_tells_how_it_went(company: Company) -> None:
    """Attempts, polls, due times, the provider's id and errors of one task, as they are at that moment."""
    batch_id = company.enqueue(company.customer(permanent=10), ["a [sim: polls=3]"])
    company.provider.status = http_status(503)
    company.run_pass()
    (row,) = company.tasks(batch_id)
    put_off = show(company.world, pick_task(company.world, str(row.id)[:8])).task
    company.provider.status = None
    company.clock.advance(60)
    company.run_pass()
    sent = show(company.world, row.id).task

    assert (put_off.status, put_off.attempts, put_off.submit_errors, put_off.blocked_by) == (
        "pending",
        1,
        1,
        "model_error",
    )
    assert put_off.next_retry_at is not None
    assert (sent.status, sent.attempts, sent.batch_status, sent.provider_host) == (
        "processing",
        2,
        "processing",
        company.provider.base_url,
    )
    assert sent.provider_id is not None
    company.run_until_quiet()
    assert show(company.world, row.id).task.poll_count == 3


def test_show_of_a_late_result(company: Company) -> None:
    """What came after the task was failed is told beside its failure."""
    batch_id = company.enqueue(company.customer(permanent=10), ["a [sim: polls=4]"])
    company.limit(max_poll_count=1)
    company.run_until_quiet()
    (row,) = company.tasks(batch_id)
    assert show(company.world, row.id).task.next_look_at is not None
    for _ in range(4):
        company.clock.advance(601)
        company.run_pass()

    task = show(company.world, row.id).task

    assert (task.status, task.failure_type) == ("failed", "timeout")
    assert task.late_video_url is not None
    assert task.late_seen_at is not None


def test_show_of_a_task_that_is_gone(company: Company) -> None:
    """It may be deleted between the pick and the look: that is said."""
    with pytest.raises(Problem, match="any more"):
        show(company.world, uuid4())


# The selector


def select(company: Company, *written: str, to_act: bool = False, **given: Any) -> object:
    """Select batches."""
    return select_batches(company.world, written, Selector(**given), to_act=to_act)


@pytest.mark.parametrize("given", [{"since": "2h"}, {"user_id": UUID(int=1)}, {"model": "x"}, {"only_held": True}])
def test_ids_beside_a_selector_are_wrong_usage(company: Company, given: dict[str, Any]) -> None:
    """Which of both would narrow the other is nobody's guess."""
    with pytest.raises(UsageProblem, match="but not both"):
        select(company, "0033894e", **given)
    with pytest.raises(UsageProblem, match="but not both"):
        select_tasks(company.world, ["0033894e"], Selector(**given))


def test_act_without_bound_is_wrong_usage(company: Company) -> None:
    """Whoever acts on what a selector finds says how far back; a batch bounds its tasks as well."""
    customer = company.customer()
    batch_id = company.enqueue(customer, 1)
    with pytest.raises(UsageProblem, match="write --since TIME"):
        select(company, to_act=True, user_id=customer)
    with pytest.raises(UsageProblem, match="or --batch BATCH"):
        select_tasks(company.world, [], Selector(model="x"), to_act=True)

    wanted = select_tasks(company.world, [], Selector(), batches=[str(batch_id)[:8]], to_act=True)

    assert wanted.batch_ids == (batch_id,)
    company.run_until_quiet()


def test_window_that_ends_before_it_begins_is_wrong_usage(company: Company) -> None:
    """Nothing could ever match."""
    with pytest.raises(UsageProblem, match="--until must be later than --since"):
        select(company, since="1h", until="2h")


def test_looking_costs_no_more_with_history(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ten times as much history newest, held and named tasks and a page cost as much; no table is read."""
    costs: list[dict[str, int]] = []
    for batches in (FEW, MANY):
        add_history(company, batches)
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
    """Ask of tasks what needs no bound in time."""
    batch_id = company.enqueue(company.customer(), ["a", "b"])
    first, second = company.tasks(batch_id)
    for wanted in (
        WantedTasks(),
        WantedTasks(only_held=True),
        WantedTasks(batch_ids=(batch_id,), statuses=(TaskStatus.PENDING,)),
        WantedTasks(ids=(first.id,)),
        WantedTasks(provider_id="nobody's"),
    ):
        list_newest(company.world, wanted, 50)
    show(company.world, second.id)
    pick_task(company.world, str(first.id)[:8])
    choice, _ = of_tasks(company.world, WantedTasks(ids=(first.id,)), again=False, task_limit=5)
    rehearse(company.world, Choice(batch_ids=(batch_id, *choice.batch_ids)))
    cancel.rehearse(company.world, Wanted(ids=(batch_id,)), batch_limit=5)
