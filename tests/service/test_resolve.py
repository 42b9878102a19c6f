"""Deciding about tasks in doubt by hand: only those, under their lock, with the whole time ahead of them anew."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from batchctl.domain.action import Command
from batchctl.domain.limits import OrphanPolicy
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.domain.resolve import Decision, need_provider_id
from batchctl.service.actions import list_newest
from batchctl.service.cancel import cancel
from batchctl.service.resolve import rehearse, resolve
from batchctl.service.world import World
from tests.races.test_dispatch import held
from tests.scenario import Company

COMMAND = Command(os_user="ann", host="desk", name="task resolve", arguments={}, reason="asked the provider")


def in_doubt(
    company: Company, prompt: str = "a [sim: submit=reset submit_times=1 accepted]"
) -> tuple[UUID, UUID, UUID]:
    """Return customer, batch and task, of which nobody knows whether the provider has it; three hours have passed."""
    company.limit(orphan_policy=OrphanPolicy.HOLD)
    customer = company.customer(permanent=10)
    batch_id = company.enqueue(customer, [prompt])
    company.run_pass()
    task = the_task(company, batch_id)
    assert (task.status, task.hold_reason) == ("processing", "SUBMIT_OUTCOME_UNKNOWN")
    company.clock.advance(3 * 3600)
    return customer, batch_id, task.id


def the_task(company: Company, batch_id: UUID) -> Any:
    """Return the row of a batch's only task."""
    (task,) = company.tasks(batch_id)
    return task


def test_accepted_task_is_polled_to_its_end(company: Company) -> None:
    """Under the id that the provider's records tell it is asked for, whatever its deadline was while it waited."""
    customer, batch_id, task_id = in_doubt(company)
    (submitted,) = company.provider.journal.submissions
    assert submitted.remote_id is not None

    report = resolve(company.world, task_id, Decision.ACCEPTED, COMMAND, submitted.remote_id)

    task = the_task(company, batch_id)
    assert (report.status, report.provider_id) == ("processing", submitted.remote_id)
    assert (task.grsai_task_id, task.hold_reason, task.unknown_since) == (submitted.remote_id, None, None)
    company.run_until_quiet()
    assert (the_task(company, batch_id).status, company.wallet(customer)) == ("succeeded", (0, 0))
    assert len(company.provider.journal.submissions) == 1


def test_failed_task_is_refunded(company: Company) -> None:
    """It fails as a doubtful one does without an operator, and the settlement gives its credits back."""
    customer, batch_id, task_id = in_doubt(company)

    resolve(company.world, task_id, Decision.FAILED, COMMAND)

    task = the_task(company, batch_id)
    assert (task.status, task.error_message, task.failure_type) == ("failed", "SUBMIT_OUTCOME_UNKNOWN", "timeout")
    assert task.completed_at == company.clock.now
    company.run_until_quiet()
    assert company.wallet(customer) == (10, 0)


def test_task_submitted_again_is_sent_once_more(company: Company) -> None:
    """It is pending with its whole time ahead, is sent by the next pass, and charged once."""
    customer, batch_id, task_id = in_doubt(company, "a [sim: submit=504 submit_times=1]")

    resolve(company.world, task_id, Decision.SUBMIT_AGAIN, COMMAND)

    assert the_task(company, batch_id).status == "pending"
    company.run_until_quiet()
    assert (the_task(company, batch_id).status, company.wallet(customer)) == ("succeeded", (0, 0))
    assert len(company.provider.journal.submissions) == 2


def test_task_may_be_decided_about_more_than_once(company: Company) -> None:
    """Sent again and in doubt again, it is an operator's again."""
    _, batch_id, task_id = in_doubt(company, "a [sim: submit=504 submit_times=2]")
    for _ in range(2):
        resolve(company.world, task_id, Decision.SUBMIT_AGAIN, COMMAND)
        company.run_pass()
    company.run_until_quiet()
    assert the_task(company, batch_id).status == "succeeded"


def test_id_of_another_task_is_refused(company: Company) -> None:
    """A job of the provider serves one task: whose it is is said, and nothing is written."""
    _, batch_id, task_id = in_doubt(company)
    other = company.enqueue(company.customer(permanent=10), ["b [sim: polls=9]"])
    company.run_pass()
    taken = the_task(company, other)

    with pytest.raises(Problem, match=f"serves task {taken.id} already"):
        resolve(company.world, task_id, Decision.ACCEPTED, COMMAND, taken.grsai_task_id)

    assert the_task(company, batch_id).hold_reason == "SUBMIT_OUTCOME_UNKNOWN"
    resolve(company.world, task_id, Decision.FAILED, COMMAND)
    company.run_until_quiet()


@pytest.mark.parametrize(
    ("prompt", "passes", "said"),
    [
        ("a", 2, "has succeeded and stays so"),
        ("a [sim: fail=error]", 2, "has failed and stays so"),
        ("a [sim: polls=5]", 1, "was accepted by the provider"),
        ("a [sim: submit=503 submit_times=1]", 1, "is pending: it was not sent"),
    ],
)
def test_task_that_is_not_in_doubt_is_refused(company: Company, prompt: str, passes: int, said: str) -> None:
    """Each for its reason; the row stays as it is."""
    batch_id = company.enqueue(company.customer(permanent=10), [prompt])
    for _ in range(passes):
        company.run_pass()
        company.clock.advance(6)
    before = the_task(company, batch_id)

    with pytest.raises(Problem, match=said):
        resolve(company.world, before.id, Decision.FAILED, COMMAND)

    assert the_task(company, batch_id) == before
    assert [action.outcome for action in list_newest(company.world, limit=1).actions] == ["failed"]
    company.run_until_quiet()


def test_task_being_sent_now_is_refused(company: Company) -> None:
    """Its worker may still bring the answer: only a pass that found nobody there makes it doubtful."""
    batch_id = company.enqueue(company.customer(permanent=10), 1)
    said: list[str] = []
    with company.other_worker() as desk:

        def decide(_request: object) -> None:
            try:
                resolve(desk, the_task(company, batch_id).id, Decision.FAILED, COMMAND)
            except Problem as problem:
                said.append(str(problem))

        company.when_asked = decide
        company.run_pass()
    company.when_asked = lambda _: None
    assert "is being sent now, or its worker died" in said[0]
    company.run_until_quiet()
    assert the_task(company, batch_id).status == "succeeded"


def test_task_of_a_cancelled_batch_is_not_sent_again(company: Company) -> None:
    """Of a cancelled batch nothing is sent: only the other two decisions are possible."""
    customer, batch_id, task_id = in_doubt(company)
    cancel(company.world, [batch_id], COMMAND)

    with pytest.raises(Problem, match="is cancelled: nothing of it is sent; decide --failed instead"):
        resolve(company.world, task_id, Decision.SUBMIT_AGAIN, COMMAND)

    resolve(company.world, task_id, Decision.FAILED, COMMAND)
    company.run_until_quiet()
    assert company.wallet(customer) == (10, 0)


def test_answer_that_could_not_be_written_is_written_by_hand(company: Company) -> None:
    """A task on hold because its id could not be stored is in doubt as well: the hold's reason tells the id."""
    company.sql("alter table video_tasks add constraint no_ids check (grsai_task_id is null)")
    customer = company.customer(permanent=10)
    batch_id = company.enqueue(customer, 1)
    company.run_pass()
    company.sql("alter table video_tasks drop constraint no_ids")
    task = the_task(company, batch_id)
    (submitted,) = company.provider.journal.submissions
    assert submitted.remote_id is not None
    assert submitted.remote_id in task.hold_reason

    resolve(company.world, task.id, Decision.ACCEPTED, COMMAND, submitted.remote_id)

    company.run_until_quiet()
    assert the_task(company, batch_id).status == "succeeded"


def test_rehearsal_writes_nothing(company: Company) -> None:
    """It says how the task would stand, and refuses what the act would refuse."""
    _, batch_id, task_id = in_doubt(company)
    before = the_task(company, batch_id)

    report = rehearse(company.world, task_id, Decision.ACCEPTED, "14-x")

    assert (report.is_rehearsal, report.status, report.provider_id) == (True, "processing", "14-x")
    assert the_task(company, batch_id) == before
    assert company.sql("select id from operator_actions") == []
    resolve(company.world, task_id, Decision.FAILED, COMMAND)
    with pytest.raises(Problem, match="has failed and stays so"):
        rehearse(company.world, task_id, Decision.FAILED)
    company.run_until_quiet()


def test_two_decisions_at_once_are_one(company: Company) -> None:
    """The second waits for the first, and is told that nothing is in doubt any more."""
    customer, batch_id, task_id = in_doubt(company)

    def decide(world: World) -> str:
        try:
            resolve(world, task_id, Decision.FAILED, COMMAND)
        except Problem as problem:
            return str(problem)
        return "decided"

    with company.other_worker() as other, ThreadPoolExecutor(2) as threads:
        with held(company, "select from video_tasks where id = %s for update", task_id):
            both = [threads.submit(decide, world) for world in (company.world, other)]
            company.await_blocked(2)
        said = sorted(future.result() for future in both)
    assert said[0] == "decided"
    assert "has failed and stays so" in said[1]
    company.run_until_quiet()
    assert (company.wallet(customer), company.batch(batch_id).failed_count) == ((10, 0), 1)


@pytest.mark.parametrize("text", ["", "  ", "a\x1b[2J", "a\0b", "x" * 201])
def test_id_that_cannot_be_is_wrong_usage(text: str) -> None:
    """An id is printable text of reasonable length."""
    with pytest.raises(UsageProblem, match="--accepted takes the provider's id of the job"):
        need_provider_id(text)


def test_id_is_taken_without_blanks_around_it() -> None:
    """What is pasted often has them."""
    assert need_provider_id(" 14-3f2a\n") == "14-3f2a"
