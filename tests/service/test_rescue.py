"""Submissions whose outcome nobody knows: orphans of dead workers, lost answers, and late ones (contract §4)."""

import signal
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from batchctl.domain.limits import OrphanPolicy
from batchctl.service.claim import claim
from batchctl.service.rescue import Rescued, rescue
from batchctl.simulator.server import Request
from tests.scenario import Company

CALLBACK = "https://callback.example"
ORPHANED = "its worker was gone before the provider's answer was stored"


def one_task(company: Company, directive: str = "polls=1") -> tuple[UUID, UUID]:
    """Enqueue a batch of one task; return customer and batch."""
    customer = company.customer(permanent=10)
    return customer, company.enqueue(customer, [f"clip [sim: {directive}]"])


def the_task(company: Company, batch_id: UUID) -> Any:
    """Return the only task of a batch."""
    (task,) = company.tasks(batch_id)
    return task


def orphaned(company: Company, age_s: float, *, blocked_by: str | None = None) -> tuple[UUID, UUID]:
    """Make a task that a worker claimed for sending that long ago, and of which nothing was heard since."""
    customer, batch_id = one_task(company)
    claim(company.world)
    claimed_at = company.clock.now - timedelta(seconds=age_s)
    company.sql(
        "update video_tasks set status = 'processing', attempts = 1, claimed_at = %s, first_attempt_at = %s,"
        " blocked_by = %s where batch_job_id = %s",
        claimed_at,
        claimed_at,
        blocked_by,
        batch_id,
    )
    return customer, batch_id


# Answers that were lost while their worker lives


@pytest.mark.parametrize("policy", list(OrphanPolicy))
@pytest.mark.parametrize("lost", ["submit=reset", "submit=reset accepted"])
def test_lost_answer_in_polling_mode(company: Company, policy: OrphanPolicy, lost: str) -> None:
    """Without a callback address: fail refunds at once, resubmit sends once more at most, hold waits for a person."""
    company.limit(orphan_policy=policy)
    customer, batch_id = one_task(company, lost)

    report = company.run_pass()

    assert report.dispatch.start_unknown == 1
    task = the_task(company, batch_id)
    match policy:
        case OrphanPolicy.FAIL:
            assert (task.status, task.failure_type, task.error_message) == (
                "failed",
                "network",
                "SUBMIT_OUTCOME_UNKNOWN",
            )
            assert company.wallet(customer) == (10, 0)
        case OrphanPolicy.RESUBMIT:
            assert (task.status, task.resubmits) == ("pending", 1)
            assert company.run_pass().dispatch.start_unknown == 1
            task = the_task(company, batch_id)
            assert (task.status, task.failure_type, task.attempts) == ("failed", "network", 2)
            assert company.run_pass().dispatch.requests == 0
            assert len(company.provider.journal.submissions) == 2
        case OrphanPolicy.HOLD:
            assert (task.status, task.hold_reason) == ("processing", "SUBMIT_OUTCOME_UNKNOWN")
            assert [(str(task.id) in f.message, f.exit_code) for f in report.findings] == [(True, 1)]
            company.clock.advance(30 * 86400)
            assert company.run_pass().is_idle
            assert company.wallet(customer) == (0, 0)


def test_resubmitted_task_may_succeed(company: Company) -> None:
    """Under resubmit a task whose first answer was lost is sent once more in the next pass, and charged once."""
    company.limit(orphan_policy=OrphanPolicy.RESUBMIT)
    customer, batch_id = one_task(company, "submit=reset submit_times=1")
    company.run_until_quiet()
    assert (company.batch(batch_id).status, company.wallet(customer)) == ("completed", (0, 0))
    assert len(company.provider.journal.submissions) == 2


def test_task_is_resubmitted_once_over_all_its_troubles(company: Company) -> None:
    """A delay after the second submission gives no third one after another lost answer."""
    company.limit(orphan_policy=OrphanPolicy.RESUBMIT)
    _, batch_id = one_task(company, "submit=reset submit_times=1")
    company.run_pass()
    company.provider.stop()
    company.run_pass()
    company.clock.advance(20)
    company.provider.start()
    company.provider.down = True  # the connection is reset after the request was sent
    company.run_pass()
    task = the_task(company, batch_id)
    assert (task.status, task.error_message, task.attempts) == ("failed", "SUBMIT_OUTCOME_UNKNOWN", 3)


@pytest.mark.parametrize("policy", [OrphanPolicy.FAIL, OrphanPolicy.RESUBMIT])
def test_doubt_lasts_while_a_callback_may_come(company: Company, policy: OrphanPolicy) -> None:
    """With a callback address the task stays in doubt for 20 min from its submission, then it fails and is refunded."""
    company.limit(orphan_policy=policy)
    company.talk_to_provider(callback_base_url=CALLBACK)
    customer, batch_id = one_task(company, "submit=reset")
    company.run_pass()
    if policy is OrphanPolicy.RESUBMIT:
        company.run_pass()
    sent_at = the_task(company, batch_id).claimed_at
    hook = company.provider.journal.submissions[-1].body["webHook"]
    assert hook == f"{CALLBACK}/api/video/callback?task_id={the_task(company, batch_id).id}"
    untouched = the_task(company, batch_id).updated_at
    for age_s in (400, 1199):
        company.clock.now = sent_at + timedelta(seconds=age_s)
        assert company.run_pass().is_idle
        task = the_task(company, batch_id)
        assert task.updated_at == untouched
        assert (task.status, task.unknown_since, task.hold_reason) == ("processing", sent_at, None)
    company.clock.now = sent_at + timedelta(seconds=1200)

    report = company.run_pass()

    assert (report.dispatch.start_failed, report.dispatch.start_unknown) == (1, 0)
    task = the_task(company, batch_id)
    assert (task.status, task.failure_type, task.error_message) == ("failed", "network", "SUBMIT_OUTCOME_UNKNOWN")
    assert company.wallet(customer) == (10, 0)


def test_callback_ends_the_doubt(company: Company) -> None:
    """When the application stores the id that a callback brought, the task is polled like any other."""
    company.talk_to_provider(callback_base_url=CALLBACK)
    customer, batch_id = one_task(company, "submit=reset accepted")
    company.run_pass()
    (accepted,) = company.provider.journal.accepted
    company.sql("update video_tasks set grsai_task_id = %s", accepted.remote_id)
    company.run_until_quiet()
    assert (company.batch(batch_id).status, company.wallet(customer)) == ("completed", (0, 0))


def test_hold_waits_although_a_callback_may_come(company: Company) -> None:
    """Under hold the task is held at once, and no time that passes decides about it."""
    company.limit(orphan_policy=OrphanPolicy.HOLD)
    company.talk_to_provider(callback_base_url=CALLBACK)
    _, batch_id = one_task(company, "submit=504")
    assert company.run_pass().findings[0].exit_code == 1
    company.clock.advance(86400)
    assert company.run_pass().is_idle
    assert the_task(company, batch_id).hold_reason == "SUBMIT_OUTCOME_UNKNOWN"


# Workers that died


def test_claim_without_an_answer_becomes_an_orphan(company: Company) -> None:
    """A task claimed for sending is left alone for 300 s; then nobody knows its fate, and it fails as a timeout."""
    customer, batch_id = orphaned(company, age_s=299.9)
    assert rescue(company.world) == Rescued(failed=0, unknown=0, held=[])
    assert the_task(company, batch_id).status == "processing"
    company.clock.advance(0.1)

    assert rescue(company.world) == Rescued(failed=0, unknown=1, held=[])

    task = the_task(company, batch_id)
    assert (task.status, task.failure_type) == ("failed", "timeout")
    assert (task.error_message, task.last_error) == ("SUBMIT_OUTCOME_UNKNOWN", ORPHANED)
    company.run_pass()
    assert company.wallet(customer) == (10, 0)


def test_orphan_fails_for_its_own_trouble(company: Company) -> None:
    """What once kept the task from being sent says nothing about the submission that was lost later."""
    customer = company.customer(permanent=10)
    company.enqueue(customer, ["clip [sim: submit=503 submit_times=1]"])
    company.run_pass()
    company.clock.advance(20)

    def die(_request: Request) -> None:
        company.clock.advance(301)
        with company.other_worker() as other:
            rescue(other)

    company.when_asked = die
    company.run_pass()
    (task,) = company.sql("select * from video_tasks")
    assert (task.status, task.failure_type, task.error_message) == ("failed", "timeout", "SUBMIT_OUTCOME_UNKNOWN")


def test_orphan_is_held(company: Company) -> None:
    """Under hold an orphan is put on hold, and named in the pass that does it."""
    company.limit(orphan_policy=OrphanPolicy.HOLD)
    _, batch_id = orphaned(company, age_s=300)
    report = company.run_pass()
    task = the_task(company, batch_id)
    assert (task.status, task.hold_reason) == ("processing", "SUBMIT_OUTCOME_UNKNOWN")
    assert [str(task.id) in finding.message for finding in report.findings] == [True]
    assert company.run_pass().findings == ()


def test_orphan_waits_for_a_callback(company: Company) -> None:
    """With a callback address an orphan is in doubt since it was claimed, not since it was found."""
    company.talk_to_provider(callback_base_url=CALLBACK)
    _, batch_id = orphaned(company, age_s=1000)
    assert rescue(company.world).unknown == 1
    assert the_task(company, batch_id).status == "processing"
    assert rescue(company.world) == Rescued(failed=0, unknown=0, held=[])
    company.clock.advance(200)
    assert rescue(company.world) == Rescued(failed=1, unknown=0, held=[])


def test_orphan_that_the_database_rejects_stops_nobody(company: Company) -> None:
    """Of two orphans, one that breaks a rule of the database goes on hold, and the other one is failed."""
    batch_ids = [orphaned(company, age_s=400)[1] for _ in range(2)]
    company.sql("update video_tasks set prompt = 'poison' where batch_job_id = %s", batch_ids[0])
    company.sql("alter table video_tasks add constraint no_poison check (prompt <> 'poison' or status <> 'failed')")
    report = company.run_pass()
    assert [the_task(company, batch_id).status for batch_id in batch_ids] == ["processing", "failed"]
    assert "no_poison" in the_task(company, batch_ids[0]).hold_reason
    assert len(report.findings) == 1


@pytest.mark.parametrize("policy", [OrphanPolicy.FAIL, OrphanPolicy.RESUBMIT])
def test_killed_worker_leaves_an_orphan(company: Company, policy: OrphanPolicy) -> None:
    """A worker killed while the provider hangs leaves a row that says so; the next worker acts by the policy.

    Although the provider had accepted the task, nothing is charged twice, and resubmit sends it once more at most.
    """
    company.limit(orphan_policy=policy)
    customer, batch_id = one_task(company, "submit=hang submit_times=1 accepted")
    arrived = threading.Event()
    company.when_asked = lambda _: arrived.set()
    process = company.start_process("run-once")
    assert arrived.wait(10)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    task = the_task(company, batch_id)
    assert (task.status, task.attempts, task.grsai_task_id) == ("processing", 1, None)
    company.clock.now = task.claimed_at
    assert company.run_pass().is_idle
    company.clock.advance(300)

    company.run_until_quiet()

    task = the_task(company, batch_id)
    if policy is OrphanPolicy.FAIL:
        assert (task.status, task.failure_type, task.error_message) == ("failed", "timeout", "SUBMIT_OUTCOME_UNKNOWN")
        assert (company.wallet(customer), len(company.provider.journal.accepted)) == ((10, 0), 1)
    else:
        assert (task.status, task.resubmits, task.attempts) == ("succeeded", 1, 2)
        assert (company.wallet(customer), len(company.provider.journal.accepted)) == ((0, 0), 2)


# Workers that were only slow


def test_late_acceptance_changes_nothing(company: Company) -> None:
    """An acceptance that arrives after the task was given up and refunded leaves task and money as they are."""
    customer, batch_id = one_task(company)

    def rescue_meanwhile(_request: Request) -> None:
        company.clock.advance(300)
        with company.other_worker() as other:
            rescue(other)

    company.when_asked = rescue_meanwhile
    report = company.run_pass()

    assert len(company.provider.journal.accepted) == 1
    assert report.dispatch.tasks_started == 0
    task = the_task(company, batch_id)
    assert (task.status, task.grsai_task_id, task.error_message) == ("failed", None, "SUBMIT_OUTCOME_UNKNOWN")
    assert (task.hold_reason, report.findings) == (None, ())
    assert (company.batch(batch_id).status, company.wallet(customer)) == ("failed", (10, 0))


def test_late_acceptance_does_not_claim_another_submission(company: Company) -> None:
    """While a second worker submits the task again, the first one's late answer is not taken for the second one's."""
    company.limit(orphan_policy=OrphanPolicy.RESUBMIT)
    _, batch_id = one_task(company)

    def resubmit_meanwhile(_request: Request) -> None:
        company.when_asked = lambda _: None
        company.clock.advance(300)
        with company.other_worker() as other:
            rescue(other)
        # The second worker has claimed it and waits for its answer.
        company.sql(
            "update video_tasks set status = 'processing', attempts = attempts + 1, claimed_at = %s", company.clock.now
        )

    company.when_asked = resubmit_meanwhile
    assert company.run_pass().dispatch.tasks_started == 0
    task = the_task(company, batch_id)
    assert (task.status, task.attempts, task.resubmits, task.grsai_task_id) == ("processing", 2, 1, None)


def test_late_acceptance_ends_the_doubt(company: Company) -> None:
    """While the task is still in doubt, the slow worker's answer is the truth that was waited for."""
    company.talk_to_provider(callback_base_url=CALLBACK)
    customer, batch_id = one_task(company)

    def doubt_meanwhile(_request: Request) -> None:
        company.when_asked = lambda _: None
        company.clock.advance(300)
        with company.other_worker() as other:
            assert rescue(other).unknown == 1

    company.when_asked = doubt_meanwhile
    assert company.run_pass().dispatch.tasks_started == 1
    assert the_task(company, batch_id).unknown_since is None
    company.run_until_quiet()
    assert company.wallet(customer) == (0, 0)


def test_task_in_doubt_has_a_deadline_too(company: Company) -> None:
    """While a callback may still bring the answer, the task's own deadline ends the wait (contract §3)."""
    company.talk_to_provider(callback_base_url="https://shop.example")
    batch_id = company.enqueue(company.customer(permanent=10), ["a [sim: submit=504]"])
    company.run_pass()
    company.sql("update video_tasks set first_attempt_at = %s", company.clock.now - timedelta(hours=2))

    report = company.run_pass()

    (task,) = company.tasks(batch_id)
    assert report.dispatch.start_failed == 1
    assert (task.status, task.failure_type, task.error_message) == ("failed", "timeout", "TASK_DEADLINE_REACHED")
