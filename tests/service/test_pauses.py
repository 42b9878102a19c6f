"""The brake: a paused stage takes no new work anywhere, costs nobody money or a verdict, and goes on where it stood."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from batchctl.domain.action import Command
from batchctl.domain.pause import Stage, Standing
from batchctl.domain.problem import ConfigProblem, UsageProblem
from batchctl.service import pauses, resend
from batchctl.service.dispatch import dispatch
from batchctl.service.poll import poll
from batchctl.service.settle import settle
from batchctl.service.webhooks import deliver
from batchctl.service.world import World, start_pass
from batchctl.simulator.faults import http_status
from batchctl.store import due
from tests.scenario import Company

ANN = Command(os_user="ann", host="desk", name="pause", arguments={}, reason="provider down")
STAGES: dict[Stage, Callable[[World], Any]] = {
    Stage.DISPATCH: lambda world: dispatch(world, start_pass(world, None)),
    Stage.POLL: lambda world: poll(world, start_pass(world, None)),
    Stage.SETTLE: settle,
    Stage.WEBHOOK: lambda world: deliver(world, start_pass(world, None)),
}


def pause(company: Company, *stages: Stage, reason: str = "provider down") -> None:
    """Stop stages."""
    pauses.pause(company.world, stages, replace(ANN, reason=reason))


def resume(company: Company, *stages: Stage) -> None:
    """Let stages go on."""
    pauses.resume(company.world, stages)


def rows(company: Company) -> tuple[list[Any], list[Any]]:
    """Return all batches and tasks as they are."""
    return company.sql("select * from batch_jobs order by id"), company.sql("select * from video_tasks order by id")


@pytest.mark.parametrize("stage", Stage)
def test_stage_that_is_paused_does_nothing(company: Company, stage: Stage) -> None:
    """Alone and in a pass it leaves its work where it is, and its report says who stopped it, since when and why."""
    company.enqueue(company.customer(permanent=20), ["a", "b [sim: fail=error]"])
    for earlier in list(Stage)[: list(Stage).index(stage)]:
        STAGES[earlier](company.world)
        company.clock.advance(6)
    pause(company, stage)
    paused_at = company.clock.now
    before = rows(company)

    report = STAGES[stage](company.world)

    (told,) = report.paused
    assert (told.stage, told.os_user, told.host, told.reason) == (stage, "ann", "desk", "provider down")
    assert told.paused_at == paused_at
    assert report == replace(type(report)(), paused=(told,))
    assert rows(company) == before
    assert company.run_pass().paused == (told,)

    resume(company, stage)
    assert company.run_until_quiet()[-1].paused == ()
    assert [batch.status for batch in company.sql("select status from batch_jobs")] == ["partial"]


def test_other_stages_go_on(company: Company) -> None:
    """While nothing new is claimed or sent, what is at the provider is asked for, settled and told."""
    under_way = company.enqueue(company.customer(permanent=10), 1)
    company.run_pass()
    pause(company, Stage.DISPATCH)
    queued = company.enqueue(company.customer(permanent=10), 1)
    company.clock.advance(6)

    report = company.run_pass()

    assert (report.settle.settled, report.webhook.sent) == (1, 1)
    assert (company.batch(under_way).status, company.batch(queued).status) == ("completed", "queued")
    assert company.batch(queued).frozen_credits == 0
    resume(company, Stage.DISPATCH)
    company.run_until_quiet()


def test_pause_takes_effect_in_every_worker(company: Company) -> None:
    """Another worker, which knew of no pause, obeys from its next pass on; work that waits is taken by nobody."""
    company.limit(max_claim=1)
    first, second = (company.enqueue(company.customer(permanent=10), 1) for _ in range(2))
    with company.other_worker() as other:
        dispatch(other, start_pass(other, None))
        pause(company, *Stage)
        company.clock.advance(6)
        reports = [stage(world) for world in (other, company.world) for stage in STAGES.values()]

        assert all(report == replace(type(report)(), paused=report.paused) for report in reports)
        assert [report.paused[0].stage for report in reports] == [*Stage, *Stage]
        assert sorted(company.batch(one).status for one in (first, second)) == ["processing", "queued"]

        pauses.resume(other, Stage)
    company.run_until_quiet()
    assert [company.batch(one).status for one in (first, second)] == ["completed", "completed"]


def test_pause_in_the_middle_of_a_pass_holds_for_its_later_stages(company: Company) -> None:
    """Each stage looks when it begins: what is stopped during a pass is not begun in it any more."""
    company.enqueue(company.customer(permanent=10), 1)
    company.when_asked = lambda _: pauses_of_another(company)

    report = company.run_pass()

    assert report.dispatch.tasks_started == 1
    assert [one.stage for one in report.paused] == [Stage.POLL, Stage.SETTLE, Stage.WEBHOOK]
    resume(company, *Stage)
    company.when_asked = lambda _: None
    company.run_until_quiet()


def pauses_of_another(company: Company) -> None:
    """Pause all stages, as seen from a thread of the provider."""
    with company.other_worker() as other:
        pauses.pause(other, Stage, ANN)


def test_task_past_its_deadline_is_asked_for_once_before_it_fails(company: Company) -> None:
    """A video that was ready while nobody asked is delivered and charged, although its deadline passed meanwhile."""
    ready = company.enqueue(company.customer(permanent=10), 1)
    never = company.enqueue(company.customer(permanent=10), ["a [sim: never]"])
    company.run_pass()
    pause(company, Stage.POLL)
    company.clock.advance(3 * 3600)
    company.run_pass()
    resume(company, Stage.POLL)

    report = company.run_pass()
    assert (report.poll.succeeded, report.poll.still_processing, report.poll.failed) == (1, 1, 0)
    company.clock.advance(1)
    report = company.run_pass()
    assert (report.poll.failed, report.poll.max_poll_reached) == (1, 0)

    assert (company.batch(ready).status, company.batch(ready).credits_spent) == ("completed", 10)
    assert company.tasks(never)[0].error_message == "TASK_DEADLINE_REACHED"


def test_each_of_many_is_asked_for_once(company: Company) -> None:
    """Where a pass cannot ask for all that waited, nothing fails before its turn has come."""
    company.limit(max_poll=2, max_start_per_batch=5)
    batch = company.enqueue(company.customer(permanent=50), 5)
    company.run_pass()
    pause(company, Stage.POLL)
    company.clock.advance(3 * 3600)
    resume(company, Stage.POLL)

    reports = [company.run_pass().poll for _ in range(3)]

    assert [(report.succeeded, report.failed) for report in reports] == [(2, 0), (2, 0), (1, 0)]
    assert company.batch(batch).status == "completed"


def test_deadline_counts_anew_for_what_nobody_can_ask_for(company: Company) -> None:
    """A task that is not asked for after a pause either fails when its whole time has passed once more."""
    company.enqueue(company.customer(permanent=10), ["a [sim: never]"])
    company.run_pass()
    pause(company, Stage.POLL)
    company.clock.advance(3 * 3600)
    resume(company, Stage.POLL)
    company.sql("update video_tasks set next_poll_at = %s", company.clock.now.replace(year=company.clock.now.year + 1))

    company.clock.advance(7190)
    assert company.run_pass().poll.failed == 0
    company.clock.advance(20)
    assert company.run_pass().poll.failed == 1
    company.run_until_quiet()


def test_poll_limit_needs_no_question(company: Company) -> None:
    """A task whose polls are used up fails after a pause as it would have without one."""
    company.enqueue(company.customer(permanent=10), ["a [sim: never]"])
    company.run_pass()
    company.sql("update video_tasks set poll_count = 20, last_poll_at = %s", company.clock.now)
    pause(company, Stage.POLL)
    company.clock.advance(60)
    resume(company, Stage.POLL)

    assert company.run_pass().poll.max_poll_reached == 1


def test_task_that_waits_to_be_sent_is_tried_once_more(company: Company) -> None:
    """A task that was put off before the pause is not failed by its deadline without another try."""
    company.provider.status = http_status(429)
    batch = company.enqueue(company.customer(permanent=10), 1)
    company.run_pass()
    pause(company, Stage.DISPATCH)
    company.provider.status = None
    company.clock.advance(3 * 3600)
    company.run_pass()
    resume(company, Stage.DISPATCH)

    report = company.run_pass()

    assert (report.dispatch.start_failed, report.dispatch.tasks_started) == (0, 1)
    company.run_until_quiet()
    assert company.batch(batch).status == "completed"


def test_task_that_cannot_be_sent_after_a_pause_fails_then(company: Company) -> None:
    """When the try after the pause does not get through either, the deadline counts as it always does."""
    company.provider.status = http_status(429)
    company.enqueue(company.customer(permanent=10), 1)
    company.run_pass()
    pause(company, Stage.DISPATCH)
    company.clock.advance(3 * 3600)
    resume(company, Stage.DISPATCH)

    report = company.run_pass().dispatch

    assert (report.requests, report.start_deferred, report.start_failed) == (1, 0, 1)


def test_task_sent_after_a_pause_has_its_whole_time(company: Company) -> None:
    """What was tried before the pause and sent after it is not failed by the deadline of its first try."""
    company.provider.status = http_status(429)
    company.enqueue(company.customer(permanent=10), ["a [sim: never]"])
    company.run_pass()
    pause(company, Stage.DISPATCH)
    company.provider.status = None
    company.clock.advance(3 * 3600)
    resume(company, Stage.DISPATCH)
    company.run_pass()

    company.clock.advance(7100)
    assert company.run_pass().poll.failed == 0
    company.clock.advance(200)
    assert company.run_pass().poll.failed == 1


def test_pausing_again_changes_the_reason_only(company: Company) -> None:
    """Since when it lasts stays as it was; who gives the new reason answers for it. A new pause begins anew."""
    pause(company, Stage.POLL)
    began = company.clock.now
    company.clock.advance(60)
    report = pauses.pause(company.world, [Stage.POLL], replace(ANN, os_user="bob", reason="still down"))

    (one,) = pauses.find(company.world)
    assert (one.paused_at, one.os_user, one.reason, report.changed) == (began, "bob", "still down", ())

    assert pauses.resume(company.world, [Stage.POLL, Stage.SETTLE]).changed == (Stage.POLL,)
    assert pauses.resume(company.world, Stage).changed == ()
    assert pauses.find(company.world) == ()
    report = pauses.pause(company.world, [Stage.POLL], ANN)
    (one,) = pauses.find(company.world)
    assert (one.paused_at, one.os_user, report.changed) == (company.clock.now, "ann", (Stage.POLL,))
    assert [line.state for line in report.stages] == [Standing.WORKING, Standing.PAUSED, *[Standing.WORKING] * 2]
    resume(company, Stage.POLL)


def test_rehearsal_changes_nothing(company: Company) -> None:
    """A rehearsal of either says what would change, and nothing is changed."""
    assert pauses.pause(company.world, Stage, ANN, dry_run=True).changed == tuple(Stage)
    assert pauses.find(company.world) == ()
    pause(company, Stage.WEBHOOK)
    assert pauses.resume(company.world, Stage, dry_run=True).changed == (Stage.WEBHOOK,)
    assert [one.stage for one in pauses.find(company.world)] == [Stage.WEBHOOK]


@pytest.mark.parametrize("reason", ["", " ", "x" * 501, "a\x00b", "a\ud800", None])
def test_pause_needs_a_reason(company: Company, reason: str | None) -> None:
    """Whoever is woken by it must be told why."""
    with pytest.raises(UsageProblem, match="--reason must be text"):
        pauses.pause(company.world, [Stage.POLL], replace(ANN, reason=reason))
    assert pauses.find(company.world) == ()


def test_missing_key_is_said_all_the_same(company: Company) -> None:
    """A pause hides no wrong setting."""
    pause(company, Stage.DISPATCH)
    with pytest.raises(ConfigProblem, match="GRSAI_API_KEY"):
        dispatch(replace(company.world, provider=None), start_pass(company.world, None))


def test_resend_by_hand_still_sends(company: Company) -> None:
    """Who resends an event while the stage is paused has asked for it."""
    batch = company.enqueue(company.customer(permanent=10), 1)
    company.run_pass()
    pause(company, Stage.WEBHOOK)
    company.clock.advance(6)
    assert company.run_pass().webhook.sent == 0

    report = resend.resend(company.world, [batch], lambda: False)

    assert [delivery.status for delivery in report.deliveries] == ["sent"]


def test_idle_pass_that_is_paused_is_idle(company: Company) -> None:
    """A pass with nothing but pauses is not remembered, so that runs holds passes that did something."""
    pause(company, *Stage)
    company.enqueue(company.customer(permanent=10), 1)

    report = company.run_pass()

    assert report.is_idle
    assert len(report.paused) == 4
    assert company.sql("select 1 from runs") == []
    resume(company, Stage.DISPATCH)
    assert not company.run_pass().is_idle
    (run,) = company.sql("select report -> 'paused' -> 0 ->> 'reason' as reason from runs")
    assert run.reason == "provider down"


@pytest.mark.parametrize("stage", [Stage.DISPATCH, Stage.POLL, Stage.WEBHOOK])
def test_what_is_paused_wakes_nobody(company: Company, stage: Stage) -> None:
    """A worker that asks what is due next is not told of work that it must not do."""

    def next_due() -> bool:
        return company.world.db.ask(lambda tx: due.find_next(tx, now=company.clock.now)) is not None

    if stage is Stage.DISPATCH:
        company.provider.status = http_status(429)
    company.enqueue(company.customer(permanent=10), 1, webhook="/hook?sim=500&times=4")
    company.run_pass()
    if stage is Stage.WEBHOOK:
        company.clock.advance(6)
        company.run_pass()
    assert next_due()

    pause(company, stage)
    assert not next_due()
    resume(company, stage)
    assert next_due()
    company.provider.status = None
    company.run_until_quiet(step_s=400)
