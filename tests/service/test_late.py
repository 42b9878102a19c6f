"""Late results: a task that a limit failed is looked at again, kept apart from all that it decided (contract §1)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from batchctl.domain.report import PassReport, PollReport
from batchctl.gateways.grsai import Grsai
from batchctl.service import late
from batchctl.service.poll import poll
from batchctl.service.world import start_pass
from batchctl.simulator.provider import SimulatedProvider
from batchctl.simulator.server import Request
from tests.scenario import Company

LINK = "https://video.example/late.mp4"


def by_poll_limit(company: Company, directive: str, tasks: int = 1) -> UUID:
    """Have tasks fail because their only poll was answered "running"; later polls go on with the directive."""
    return _failed(company, directive, tasks, max_poll_count=1)


def by_deadline(company: Company, directive: str, tasks: int = 1) -> UUID:
    """Have tasks fail because their time was over before they were asked for."""
    return _failed(company, directive, tasks, task_deadline=timedelta(seconds=5))


def _failed(company: Company, directive: str, tasks: int, **limits: Any) -> UUID:
    company.limit(max_start_per_batch=1000, max_poll=1000, **limits)
    customer = company.customer(permanent=10 * tasks)
    batch_id = company.enqueue(customer, [f"{number} [sim: {directive}]" for number in range(tasks)])
    company.run_pass()
    company.clock.advance(5)
    report = company.run_pass()
    assert (report.poll.failed, report.settle.settled) == (tasks, 1)
    assert company.wallet(customer) == (10 * tasks, 0)
    return batch_id


def look(company: Company, after_s: float = 0.0) -> PassReport:
    """Let time pass, run a pass, and return its report."""
    company.clock.advance(after_s)
    return company.run_pass()


def results(company: Company) -> list[Any]:
    """Return all late results."""
    return company.sql("select * from late_results")


def looks_left(company: Company) -> list[Any]:
    """Return the tasks that are still to be looked at."""
    return company.sql("select * from late_looks order by task_id")


def everything(company: Company) -> list[Any]:
    """Return tasks, batches, wallets and ledger, with the versions of their rows."""
    return company.sql(
        "select t::text, xmin::text from video_tasks as t union all select b::text, xmin::text from batch_jobs as b"
        " union all select w::text, xmin::text from credit_wallet as w"
        " union all select l::text, xmin::text from credit_ledger as l order by 1"
    )


@pytest.mark.parametrize("fail", [by_poll_limit, by_deadline])
def test_late_result_is_kept_and_changes_nothing(company: Company, fail: Callable[[Company, str], UUID]) -> None:
    """What comes after the limit is written down once; task, batch and money stay as they are, to the version."""
    polls = 3 if fail is by_poll_limit else 2
    batch_id = fail(company, f"polls={polls} url={LINK}")
    (task,) = company.tasks(batch_id)
    before = everything(company)

    assert look(company, 599.998).poll == PollReport()
    report = look(company)
    assert report.poll == PollReport(late_looks=1, requests=1)
    assert not report.is_idle
    assert results(company) == []
    assert look(company, 600).poll == PollReport(late_looks=1, late_results=1, requests=1)

    (kept,) = results(company)
    assert (kept.task_id, kept.grsai_task_id, kept.video_url) == (task.id, task.grsai_task_id, LINK)
    assert kept.seen_at == company.clock.now
    assert everything(company) == before
    assert looks_left(company) == []
    assert look(company, 600).is_idle
    assert results(company) == [kept]


def test_task_is_looked_at_every_ten_minutes_for_two_hours(company: Company) -> None:
    """Twelve looks, the last one two hours after the task was failed; then nobody asks any more (contract §1)."""
    by_poll_limit(company, "never")
    failed_at = company.clock.now
    looked_after_min: list[float] = []
    while looks_left(company):
        (row,) = looks_left(company)
        company.clock.now = row.next_look_at - timedelta(milliseconds=1)
        assert look(company).poll.late_looks == 1
        looked_after_min.append((company.clock.now - failed_at).total_seconds() / 60)
    assert looked_after_min == [10 * number for number in range(1, 13)]
    assert look(company, 3600).is_idle


def test_looks_that_were_missed_are_not_made_up_for(company: Company) -> None:
    """When no worker ran for longer than two hours, the time of looking is over."""
    by_poll_limit(company, f"polls=2 url={LINK}")
    assert look(company, 7201).is_idle
    assert looks_left(company) == []


@pytest.mark.parametrize("words", ["poll=503", "poll=code code=-22 msg=gone", "url=", "poll=wrong_id", "poll=reset"])
def test_answer_that_settles_nothing_is_followed_by_another_look(company: Company, words: str) -> None:
    """Whatever is neither a link nor the provider's own failure leaves hope."""
    by_deadline(company, words)
    assert look(company, 600).poll == PollReport(late_looks=1, requests=1)
    assert [row.next_look_at - company.clock.now for row in looks_left(company)] == [timedelta(minutes=10)]


def test_failure_at_the_provider_ends_the_looks(company: Company) -> None:
    """Where the provider says that it failed, nothing can come late."""
    by_deadline(company, "fail=output_moderation")
    assert look(company, 600).poll == PollReport(late_looks=1, requests=1)
    assert (looks_left(company), results(company)) == ([], [])


@pytest.mark.parametrize("words", ["fail=error", "url="])
def test_task_that_no_limit_failed_is_let_go(company: Company, words: str) -> None:
    """The provider's own verdict is final."""
    company.limit(max_poll_count=1)
    company.enqueue(company.customer(permanent=10), [f"a [sim: {words}]"])
    company.run_until_quiet()
    assert looks_left(company) == []


def test_task_that_was_never_accepted_is_let_go(company: Company) -> None:
    """Without a provider's id there is nothing to ask for."""
    company.limit(task_deadline=timedelta(seconds=60))
    company.enqueue(company.customer(permanent=10), ["a [sim: submit=429]"])
    company.run_until_quiet()
    assert looks_left(company) == []


def test_looks_take_no_polls_from_others(company: Company) -> None:
    """They come after the polls, beyond BATCH_WORKER_MAX_POLL, at most a hundred a pass, the longest due first."""
    by_deadline(company, "never", tasks=130)
    company.sql(
        "update late_looks set next_look_at = next_look_at - interval '1 s' where task_id > %s", UUID(int=1 << 127)
    )
    early = {row.task_id for row in looks_left(company) if row.task_id.int > 1 << 127}
    company.enqueue(company.customer(permanent=30), 3)
    company.limit(task_deadline=timedelta(hours=2), max_poll=2)
    company.run_pass()
    journal = company.provider.journal
    asked_before = len(journal.polls)

    report = look(company, 600).poll
    assert (report.polled, report.succeeded, report.late_looks) == (2, 2, late.LOOKS_PER_PASS)
    assert [polled.video_url is not None for polled in journal.polls[asked_before:]] == [True] * 2 + [False] * 100
    put_off = {row.task_id for row in looks_left(company) if row.next_look_at > company.clock.now}
    assert len(put_off) == 100
    assert early <= put_off
    report = look(company).poll
    assert (report.polled, report.late_looks) == (1, 30)


def test_task_is_looked_at_where_it_was_submitted(company: Company) -> None:
    """A new GRSAI_HOST is for new tasks; late results are looked for at the task's own host."""
    by_deadline(company, "polls=1")
    with SimulatedProvider(api_key="sk-test") as moved:
        there = Grsai(
            host=moved.base_url, api_key="sk-test", timeout_ms=2000, callback_base_url=None, clock=company.clock
        )
        company.world = replace(company.world, provider=there)
        assert look(company, 600).poll.late_results == 1
        assert moved.connections == 0


def test_unreachable_provider_is_said_for_looks_too(company: Company) -> None:
    """A pass of which every request failed to connect exits 69, though all of them were looks (contract §6)."""
    by_deadline(company, "never")
    company.provider.stop()
    company.world.provider_http.close()  # What is sent over a connection that has just died may have arrived.
    report = look(company, 600)
    assert (report.poll.requests, report.poll.connect_failures) == (1, 1)
    assert [finding.exit_code for finding in report.findings] == [69]


def test_limit_and_look_are_one_transaction(company: Company) -> None:
    """A task is not failed by a limit unless it is certain to be looked at again."""
    company.sql("alter table late_looks add constraint nothing_fits check (until is null)")
    company.limit(max_poll_count=1)
    batch_id = company.enqueue(company.customer(permanent=10), ["a [sim: never]"])
    company.run_pass()
    company.clock.advance(5)
    report = company.run_pass()
    (task,) = company.tasks(batch_id)
    assert (task.status, report.poll.failed) == ("processing", 0)
    assert "nothing_fits" in task.hold_reason


def test_result_that_cannot_be_kept_stops_no_other(company: Company) -> None:
    """One row that the database refuses is named, and the others of its group are stored."""
    batch_id = by_deadline(company, "polls=1", tasks=3)
    bad = company.tasks(batch_id)[1]
    company.sql(f"alter table late_results add constraint no_such check (grsai_task_id <> '{bad.grsai_task_id}')")
    report = look(company, 600)
    assert (report.poll.late_looks, report.poll.late_results) == (3, 2)
    (finding,) = report.findings
    assert str(bad.id) in finding.message
    assert "no_such" in finding.message


def test_two_workers_keep_one_result(company: Company) -> None:
    """A look that outlives its lease finds that another one has kept the result, and that the looks have ended."""
    by_deadline(company, "polls=1")
    others: list[PollReport] = []

    def while_asked(_: Request) -> None:
        if not others:
            others.append(PollReport())
            company.clock.advance(4.1)  # The request's 2 s and the slack of 2 s.
            with company.other_worker() as other:
                others[0] = poll(other, start_pass(other, None))

    company.when_asked = while_asked
    assert look(company, 600).poll == PollReport(late_looks=1, requests=1)
    assert others == [PollReport(late_looks=1, late_results=1, requests=1)]
    assert len(results(company)) == 1


def test_look_of_a_dead_worker_is_made_again(company: Company) -> None:
    """A claimed look is due again when its lease ends, not ten minutes later."""
    by_deadline(company, "polls=1")
    company.sql("update late_looks set next_look_at = now() - interval '1 s', until = now() + interval '1 h'")
    company.when_asked = lambda _: process.kill()
    process = company.start_process("poll")
    process.communicate()
    company.when_asked = lambda _: None
    assert process.returncode == -9

    (row,) = looks_left(company)
    company.clock.now = row.next_look_at - timedelta(milliseconds=2)
    assert look(company).poll.late_looks == 0
    assert look(company).poll.late_results == 1
