"""Polling: when a task is asked for, what its answers make of it, and what limits it (contract §4, mission)."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from batchctl.domain.report import PollReport
from batchctl.gateways.grsai import Grsai
from batchctl.service import poll as service
from batchctl.service.poll import poll
from batchctl.service.world import start_pass
from batchctl.simulator.faults import Fault, http_status, refusal
from batchctl.simulator.provider import SimulatedProvider
from batchctl.simulator.server import Request
from tests.scenario import Company

RESULT_PATH = "/v1/draw/result"
FAULTS = (
    *("malformed", "html", "empty", "list", "utf16", "nan", "duplicate_keys", "nested", "wrong_types", "no_code"),
    *("wrong_id", "number_id", "long_id", "stream", "gzip_bomb", "reset", "close", "cut", "stall", "hang", "drip"),
    *(
        "huge",
        "headers",
        "301",
        "307",
        "400",
        "401",
        "402",
        "403",
        "404",
        "408",
        "425",
        "429",
        "500",
        "502",
        "503",
        "504",
    ),
)
"""Every fault but those that only leave out the id: those are answers, of an unknown state."""


def started(company: Company, prompts: int | list[str], *, user_id: UUID | None = None) -> UUID:
    """Enqueue a batch of a customer (a new one unless given) and have all of it sent; nothing is asked for yet."""
    count = prompts if isinstance(prompts, int) else len(prompts)
    company.limit(max_start_per_batch=100)
    batch_id = company.enqueue(user_id or company.customer(permanent=count * 10), prompts)
    assert company.run_pass().dispatch.tasks_started == count
    return batch_id


def ask(company: Company, after_s: float = 0.0) -> PollReport:
    """Let time pass, run a pass, and return what polling did."""
    company.clock.advance(after_s)
    return company.run_pass().poll


def asked(company: Company) -> Counter[str]:
    """Count the questions by remote id."""
    return Counter(polled.remote_id for polled in company.provider.journal.polls)


def only_task(company: Company, batch_id: UUID) -> Any:
    """Return the row of a batch's one task."""
    (task,) = company.tasks(batch_id)
    return task


def make_due(company: Company, batch_id: UUID) -> None:
    """Make every task of a batch due now."""
    company.sql("update video_tasks set next_poll_at = null where batch_job_id = %s", batch_id)


def test_waits_are_exact_up_to_the_limit(company: Company) -> None:
    """A task is asked at each wait and not a millisecond before: 5 s after it was sent, then 5, 15, 15, 30, … s."""
    batch_id = started(company, ["a [sim: never]"])
    waits_s: list[float] = []
    asked_at = company.clock.now
    while (due_at := only_task(company, batch_id).next_poll_at) is not None:
        waits_s.append((due_at - asked_at).total_seconds())
        company.clock.now = due_at - timedelta(milliseconds=2)
        assert ask(company).polled == 0
        assert ask(company).polled == 1
        asked_at = company.clock.now

    assert waits_s == [5, 5, 15, 15, *[30] * 16]
    task = only_task(company, batch_id)
    assert (task.status, task.poll_count, task.error_message) == ("failed", 20, "MAX_POLL_COUNT_REACHED:20")


def test_finished_progress_is_asked_in_the_next_pass(company: Company) -> None:
    """Progress 100 waits for nothing, yet no task is asked twice in one pass."""
    batch_id = started(company, ["a [sim: polls=3 progress=100]"])
    assert ask(company, 5).still_processing == 1
    assert ask(company).still_processing == 1
    assert only_task(company, batch_id).progress == 100
    assert ask(company).succeeded == 1
    assert asked(company).total() == 3


def test_next_poll_at_is_the_only_clock(company: Company) -> None:
    """Moving next_poll_at moves the poll, and no other column does."""
    batch_id = started(company, ["a [sim: never]"])
    later = company.clock.now + timedelta(hours=1)
    company.sql("update video_tasks set next_poll_at = %s", later)
    assert ask(company, 3590).polled == 0
    make_due(company, batch_id)
    assert ask(company).polled == 1
    company.sql("update video_tasks set last_poll_at = %s, poll_count = 9, updated_at = %s", later, later)
    assert ask(company, 4).polled == 0
    assert ask(company, 1).polled == 1


def test_pass_asks_max_poll_tasks_the_longest_due_first(company: Company) -> None:
    """Each pass asks so many due tasks, in the order in which they became due, each once; null is due first."""
    batch_id = started(company, [f"{number} [sim: never]" for number in range(8)])
    company.limit(max_poll=3)
    due = [6, 3, 0, 7, 4, 1, 5]  # Task 2 is not due.
    for order, index in enumerate(due):
        at = company.clock.now + timedelta(seconds=order) if order else None
        company.sql("update video_tasks set next_poll_at = %s where batch_index = %s", at, index)
    company.sql("update video_tasks set next_poll_at = %s where batch_index = 2", company.clock.now + timedelta(days=1))
    index_of = {task.grsai_task_id: task.batch_index for task in company.tasks(batch_id)}

    polled = [ask(company, 10 if number == 0 else 0).polled for number in range(4)]

    order_asked = [index_of[polled.remote_id] for polled in company.provider.journal.polls]
    assert polled == [3, 3, 1, 0]
    assert [set(order_asked[:3]), set(order_asked[3:6]), set(order_asked[6:])] == [{6, 3, 0}, {7, 4, 1}, {5}]


def test_poll_limit_fails_and_refunds(company: Company) -> None:
    """Without a callback address every result is polled; the last poll fails the task, and its credits come back."""
    customer = company.customer(permanent=20)
    company.limit(max_poll_count=4)
    batch_id = started(company, ["a [sim: never]", "b"], user_id=customer)

    reports = company.run_until_quiet()

    assert {entry.body["webHook"] for entry in company.provider.journal.submissions} == {"-1"}
    dead, alive = company.tasks(batch_id)
    assert (dead.status, dead.error_message, dead.failure_type) == ("failed", "MAX_POLL_COUNT_REACHED:4", "timeout")
    assert (dead.poll_count, alive.status) == (4, "succeeded")
    assert asked(company)[dead.grsai_task_id] == 4
    assert sum(report.poll.max_poll_reached for report in reports) == 1
    assert sum(report.poll.failed for report in reports) == 1
    assert (company.wallet(customer), company.batch(batch_id).credits_spent) == ((10, 0), 10)


def test_count_that_was_reached_before_is_not_asked_again(company: Company) -> None:
    """A task that comes with its polls used up fails at once, whenever it would be due."""
    batch_id = started(company, 1)
    company.sql("update video_tasks set poll_count = 20, next_poll_at = %s", company.clock.now + timedelta(days=1))
    report = ask(company)
    assert (report.polled, report.failed, report.max_poll_reached) == (1, 1, 1)
    task = only_task(company, batch_id)
    assert (task.error_message, task.failure_type) == ("MAX_POLL_COUNT_REACHED:20", "timeout")
    assert (task.next_poll_at, company.batch(batch_id).settlement_status) == (None, "refunded")
    assert asked(company) == {}


def test_all_that_reached_the_limit_is_failed_before_anything_is_asked(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are (say, because the limit was lowered), none of them is asked again."""
    monkeypatch.setattr(service, "EXPIRED_AT_ONCE", 2)
    started(company, 5)
    company.sql("update video_tasks set poll_count = 3")
    company.limit(max_poll_count=3)
    assert ask(company, 5) == PollReport(polled=5, failed=5, max_poll_reached=5)


def test_no_fault_fails_a_task(company: Company) -> None:
    """Whatever is no answer about the task backs off without counting, and the first answer ends the row of errors."""
    hasty = Grsai(
        host=company.provider.base_url, api_key="sk-test", timeout_ms=400, callback_base_url=None, clock=company.clock
    )
    patient = company.world.provider
    company.limit(max_poll=100)
    batch_id = started(company, [f"{fault} [sim: poll={fault} poll_times=2]" for fault in FAULTS])

    company.world = replace(company.world, provider=hasty)
    for errors, wait_s in ((1, 5), (2, 15)):
        report = ask(company, 15)
        assert (report.polled, report.transient_errors) == (len(FAULTS), len(FAULTS))
        for task in company.tasks(batch_id):
            assert (task.status, task.poll_count, task.poll_errors, task.error_message) == (
                "processing",
                0,
                errors,
                None,
            ), task.prompt
            assert task.last_error, task.prompt
            assert task.next_poll_at - company.clock.now == timedelta(seconds=wait_s), task.prompt

    company.world = replace(company.world, provider=patient)
    assert ask(company, 15).succeeded == len(FAULTS)
    assert {(task.poll_count, task.poll_errors) for task in company.tasks(batch_id)} == {(1, 0)}


def test_outage_costs_nobody_anything(company: Company) -> None:
    """While the provider is away nothing counts or fails, longer than twenty polls would take; then all succeed."""
    batch_id = started(company, 3)
    company.provider.stop()
    company.world.provider_http.close()  # What is sent over a connection that has just died may have arrived.
    for _ in range(30):
        company.clock.advance(31)
        report = company.run_pass()
        assert (report.poll.failed, report.poll.transient_errors) == (0, 3)
        assert [finding.exit_code for finding in report.findings] == [69]
    assert {(task.poll_count, task.poll_errors) for task in company.tasks(batch_id)} == {(0, 30)}

    company.provider.start()
    company.run_until_quiet()
    assert company.batch(batch_id).status == "completed"


def test_deadline_bounds_an_outage(company: Company) -> None:
    """A task whose provider never answers fails two hours after its first submission, as a timeout, and is refunded."""
    customer = company.customer(permanent=10)
    batch_id = started(company, ["a [sim: poll=503]"], user_id=customer)
    first = only_task(company, batch_id).first_attempt_at
    company.clock.now = first + timedelta(seconds=7200 - 0.002)
    assert ask(company).transient_errors == 1
    make_due(company, batch_id)
    report = ask(company)
    assert (report.polled, report.failed, report.max_poll_reached, report.requests) == (1, 1, 0, 0)
    task = only_task(company, batch_id)
    assert (task.status, task.error_message, task.failure_type) == ("failed", "TASK_DEADLINE_REACHED", "timeout")
    assert company.wallet(customer) == (10, 0)


def test_deadline_counts_from_the_first_attempt(company: Company) -> None:
    """Submissions that were put off are part of the time (contract §3)."""
    company.limit(task_deadline=timedelta(seconds=60))
    batch_id = company.enqueue(company.customer(permanent=10), ["a [sim: submit=429 submit_times=1 never]"])
    assert company.run_pass().dispatch.start_deferred == 1
    company.clock.advance(30)
    assert company.run_pass().dispatch.tasks_started == 1
    assert ask(company, 29).failed == 0
    assert ask(company, 1).failed == 1
    assert only_task(company, batch_id).error_message == "TASK_DEADLINE_REACHED"


def test_task_that_another_worker_sent_has_a_deadline_too(company: Company) -> None:
    """Where nobody wrote down the first attempt, the time counts from the first question: no task is asked for ever."""
    batch_id = started(company, ["a [sim: poll=503]"])
    company.sql("update video_tasks set first_attempt_at = null, claimed_at = null, provider_host = null")
    assert ask(company, 100_000).transient_errors == 1
    assert ask(company, 7190).transient_errors == 1
    assert ask(company, 10).failed == 1
    assert only_task(company, batch_id).error_message == "TASK_DEADLINE_REACHED"


def forget(company: Company, batch_id: UUID) -> None:
    """Have the provider know nothing of a batch's tasks."""
    company.sql("update video_tasks set grsai_task_id = 'gone-' || id where batch_job_id = %s", batch_id)


def test_young_task_may_be_unknown(company: Company) -> None:
    """Code -22 means nothing within a minute of the submission, and the end after it (contract §4)."""
    batch_id = started(company, 1)
    forget(company, batch_id)
    assert ask(company, 59).transient_errors == 1
    task = only_task(company, batch_id)
    assert (task.status, task.poll_count, task.poll_errors) == ("processing", 0, 1)
    assert ask(company, 10).failed == 1
    task = only_task(company, batch_id)
    assert (task.status, task.failure_type, task.error_message) == ("failed", "unknown", "task does not exist")


def test_tasks_of_several_customers_are_not_lost_at_once(company: Company) -> None:
    """When the provider denies tasks of several customers in one pass, it is the provider that is ill."""
    first, second = started(company, 2), started(company, 1)
    forget(company, first)
    forget(company, second)
    assert ask(company, 600).transient_errors == 3
    company.sql("update video_tasks set next_poll_at = %s where batch_job_id = %s", company.clock.now, second)
    company.sql(
        "update video_tasks set next_poll_at = %s where batch_job_id = %s",
        company.clock.now + timedelta(hours=1),
        first,
    )
    assert ask(company).failed == 1
    assert {task.status for task in company.tasks(first)} == {"processing"}


WORDS_ABOUT_US = (
    "insufficient credits",
    "Insufficient Balance",
    "insufficient quota",
    "余额不足",
    "积分不足",
    "Invalid API key",
    "bad api_key",
    "unauthorised",
    "Unauthorized",
    "密钥错误",
    "Too many requests",
    "rate limit exceeded",
    "请求过于频繁",
)


def test_words_about_us_fail_no_task(company: Company) -> None:
    """A message about the rate, the balance or the key says nothing about the task (contract §4)."""
    batch_id = started(company, [f"a [sim: poll=code code=-1 msg='{msg}' poll_times=1]" for msg in WORDS_ABOUT_US])
    assert ask(company, 5).transient_errors == len(WORDS_ABOUT_US)
    tasks = company.tasks(batch_id)
    assert {(task.status, task.poll_count, task.poll_errors) for task in tasks} == {("processing", 0, 1)}
    assert tuple(task.last_error for task in tasks) == WORDS_ABOUT_US
    assert ask(company, 5).succeeded == len(WORDS_ABOUT_US)


FAILURES = (
    ("poll=code code=-5 msg='internal error'", "unknown", "internal error", None),
    ("poll=code code=7 msg='生成超时'", "timeout", "生成超时", None),
    ("poll=code code=400 msg='invalid parameter'", "param_error", "invalid parameter", None),
    ("fail=error error='generation timeout'", "timeout", "generation timeout", "error"),
    ("fail=error error='请求超时'", "timeout", "请求超时", "error"),
    ("fail=error error='网络连接失败'", "network", "网络连接失败", "error"),
    ("fail=error error='network unreachable'", "network", "network unreachable", "error"),
    ("fail=error error='model unavailable'", "model_error", "model unavailable", "error"),
    ("fail=error error='invalid image'", "param_error", "invalid image", "error"),
    ("fail=error error='参数错误'", "unknown", "参数错误", "error"),
    ("fail=input_moderation error='model timeout'", "param_error", "model timeout", "input_moderation"),
    ("fail=output_moderation error='invalid'", "model_error", "invalid", "output_moderation"),
    ("fail=output_moderation error=''", "model_error", "output_moderation", "output_moderation"),
    ("fail=error error='bad' status=error", "unknown", "bad", "error"),
)
"""How the provider fails a task; type, text and reason that are stored."""


def test_failures_are_classified_by_structure_then_by_text(company: Company) -> None:
    """The provider's reason decides where it says something, else the words in either language (contract §4)."""
    customer = company.customer(permanent=len(FAILURES) * 10)
    batch_id = started(company, [f"a [sim: {directive}]" for directive, *_ in FAILURES], user_id=customer)
    assert ask(company, 5).failed == len(FAILURES)
    tasks = company.tasks(batch_id)
    assert {(task.status, task.poll_count) for task in tasks} == {("failed", 1)}
    found = [(task.failure_type, task.error_message, task.failure_reason) for task in tasks]
    assert found == [(failure_type, error, reason) for _, failure_type, error, reason in FAILURES]
    assert company.wallet(customer) == (len(FAILURES) * 10, 0)


def test_states_of_one_task(company: Company) -> None:
    """Success under another word succeeds; an unknown state goes on; success without a link waits for the link."""
    batch_id = started(
        company,
        ["a [sim: status=success]", "b [sim: polls=2 running=dreaming]", "c [sim: urlless=2]", "d [sim: poll=no_id]"],
    )
    report = ask(company, 5)
    assert (report.succeeded, report.still_processing) == (1, 3)
    named, dreaming, bare, stateless = company.tasks(batch_id)
    assert (named.status, named.video_url_seen_at) == ("succeeded", company.clock.now)
    assert (dreaming.status, dreaming.poll_count) == ("processing", 1)
    assert (bare.status, bare.video_url, bare.last_error) == ("processing", None, "SUCCEEDED_WITHOUT_VIDEO_URL")
    assert (stateless.status, stateless.poll_count) == ("processing", 1)
    assert bare.next_poll_at - bare.last_poll_at == timedelta(seconds=5)
    assert ask(company, 5).still_processing == 2
    assert ask(company, 15).succeeded == 1
    assert company.tasks(batch_id)[2].video_url.startswith("https://")


def test_success_that_never_has_a_link_fails(company: Company) -> None:
    """When the polls are used up the task fails, with an error that tells what happened, and is refunded."""
    customer = company.customer(permanent=10)
    company.limit(max_poll_count=3)
    batch_id = started(company, ["a [sim: url=]"], user_id=customer)
    company.run_until_quiet()
    task = only_task(company, batch_id)
    assert (task.status, task.error_message, task.poll_count) == ("failed", "SUCCEEDED_WITHOUT_VIDEO_URL", 3)
    assert company.wallet(customer) == (10, 0)


def test_strange_progress_fails_no_task(company: Company) -> None:
    """Progress is cut to 0..100, may fall, and is kept when an answer has none."""
    batch_id = started(company, ["a [sim: never progress=80,20,-5,101,null,50%]"])
    seen: list[int] = []
    for wait_s in (5, 5, 15, 15, 30, 30):
        assert ask(company, wait_s).still_processing == 1
        seen.append(only_task(company, batch_id).progress)
    assert seen == [80, 20, 0, 100, 100, 100]


def test_task_is_asked_where_it_was_submitted(company: Company) -> None:
    """A new GRSAI_HOST is for new tasks; what is in flight is asked for at its own host (contract §1)."""
    batch_id = started(company, 1)
    with SimulatedProvider(api_key="sk-test") as moved:
        there = Grsai(
            host=moved.base_url, api_key="sk-test", timeout_ms=2000, callback_base_url=None, clock=company.clock
        )
        company.world = replace(company.world, provider=there)
        assert ask(company, 5).succeeded == 1
        assert moved.connections == 0
    assert only_task(company, batch_id).provider_host == company.provider.base_url


def test_tasks_outside_batches_are_never_touched(company: Company) -> None:
    """Rows without a batch are byte for byte what they were, whatever state they are in."""
    for status, remote_id, polls in (
        ("pending", None, 0),
        ("queued", None, 0),
        ("processing", None, 0),
        ("processing", "single-1", 3),
        ("processing", "single-2", 20),
    ):
        company.sql(
            "insert into video_tasks (user_id, prompt, status, grsai_task_id, poll_count, created_at, first_attempt_at)"
            " values (gen_random_uuid(), 'single', %s, %s, %s, '2026-01-01', '2026-01-01')",
            status,
            remote_id,
            polls,
        )
    before = company.sql("select t::text, xmin::text from video_tasks as t order by id")
    started(company, 2)
    for _ in range(5):
        ask(company, 3600)
    after = company.sql("select t::text, xmin::text from video_tasks as t where batch_job_id is null order by id")
    assert after == before
    assert not {"single-1", "single-2"} & set(asked(company))


def test_refused_row_goes_on_hold_and_stops_nobody(company: Company) -> None:
    """A result that the database will not store is put on hold with a finding; the rest of its group is stored."""
    company.sql("alter table video_tasks add constraint no_link_of_b check (video_url not like '%%/b.mp4')")
    batch_id = started(company, ["a", "b [sim: url=https://x.example/b.mp4]", "c"])
    company.clock.advance(5)
    report = company.run_pass()
    a, b, c = company.tasks(batch_id)
    assert (a.status, b.status, c.status) == ("succeeded", "processing", "succeeded")
    assert "no_link_of_b" in b.hold_reason
    (finding,) = report.findings
    assert (finding.exit_code, str(b.id) in finding.message) == (1, True)
    assert ask(company, 3600) == PollReport()
    company.sql("alter table video_tasks drop constraint no_link_of_b")
    company.sql("update video_tasks set hold_reason = null where id = %s", b.id)
    company.run_until_quiet()
    assert company.batch(batch_id).status == "completed"


def overtaken(company: Company, batch_id: UUID, then: Fault | None = None) -> list[Any]:
    """Have a worker's question hang until its lease is over and another worker has asked and stored the answer.

    The first worker is then answered `then` (or as usual); return the task's rows after the other worker.
    """
    rows: list[Any] = []

    def while_asked(request: Request) -> None:
        if request.path != RESULT_PATH or rows:
            return
        rows.append(None)
        company.clock.advance(4.1)  # The request's 2 s and the slack of 2 s.
        with company.other_worker() as other:
            assert poll(other, start_pass(other, None)).polled == 1
        rows[0] = only_task(company, batch_id)
        company.provider.status = then

    company.when_asked = while_asked
    return rows


@pytest.mark.parametrize(
    ("directive", "late_answer"),
    [
        ("polls=1", http_status(500)),
        ("polls=1", refusal(-5, "generation failed")),
        ("fail=error", None),
        ("never", None),
        ("never", http_status(500)),
        ("poll=503", None),
    ],
)
def test_worker_that_lost_its_lease_changes_nothing(
    company: Company,
    directive: str,
    late_answer: Fault | None,
) -> None:
    """The answer to a question that was asked anew meanwhile, verdict or not, leaves the row as it is."""
    batch_id = started(company, [f"a [sim: {directive}]"])
    rows = overtaken(company, batch_id, late_answer)
    report = ask(company, 5)
    assert report.polled == 0
    assert only_task(company, batch_id) == rows[0]
    assert asked(company).total() == 2


def test_late_verdict_counts_while_the_task_is_open(company: Company) -> None:
    """An end is an end, though another worker heard "running" after the question was asked."""
    batch_id = started(company, ["a [sim: polls=2]"])
    rows = overtaken(company, batch_id)
    assert ask(company, 5).succeeded == 1
    assert rows[0].status == "processing"
    assert only_task(company, batch_id).status == "succeeded"


def test_question_of_a_killed_worker_is_asked_again(company: Company) -> None:
    """A worker killed while it waits for an answer leaves the task to others, as soon as its lease ends."""
    batch_id = started(company, 1)
    make_due(company, batch_id)
    company.when_asked = lambda _: process.kill()
    process = company.start_process("poll", "--json")
    process.communicate()
    company.when_asked = lambda _: None
    assert process.returncode == -9
    task = only_task(company, batch_id)
    assert (task.status, task.poll_count) == ("processing", 0)

    company.clock.now = task.next_poll_at - timedelta(milliseconds=2)
    assert ask(company).polled == 0
    assert ask(company).succeeded == 1
    assert asked(company).total() == 2


def test_report_sums_up(company: Company) -> None:
    """Each task that was asked for is counted once, under what became of it (contract §6)."""
    started(company, ["a", "b [sim: fail=error]", "c [sim: never]", "d [sim: poll=503]", "e [sim: poll=reset]"])
    assert ask(company, 5) == PollReport(
        polled=5, succeeded=1, failed=1, still_processing=1, transient_errors=2, requests=5
    )
    assert ask(company) == PollReport()


def test_refused_key_is_said_and_fails_nothing(company: Company) -> None:
    """A key that the provider refuses for polls is a finding of the pass, once, and no task is failed for it."""
    batch_id = company.enqueue(company.customer(permanent=10), 1)
    company.run_pass()
    company.clock.advance(5)
    company.provider.status = http_status(401)

    report = company.run_pass()

    assert [finding.message for finding in report.findings] == [
        "the provider refuses our account (HTTP 401): check GRSAI_API_KEY and the balance"
    ]
    assert company.tasks(batch_id)[0].status == "processing"
    company.provider.status = None


# Rows that the database will not let through


def test_task_that_cannot_be_claimed_for_a_poll_stops_nobody(company: Company) -> None:
    """One whose row refuses to be claimed goes on hold with its reason; the others are asked for."""
    batch_id = started(company, ["poison", "a", "b"])
    company.sql("alter table video_tasks add constraint no_poison check (prompt <> 'poison' or last_poll_at is null)")
    company.clock.advance(5)
    report = company.run_pass()
    assert [task.status for task in company.tasks(batch_id)] == ["processing", "succeeded", "succeeded"]
    held = company.tasks(batch_id)[0]
    assert "no_poison" in held.hold_reason
    (finding,) = report.findings
    assert (finding.exit_code, str(held.id) in finding.message) == (1, True)
    assert (report.poll.polled, company.run_pass().findings) == (2, ())


def test_expired_task_that_cannot_be_failed_stops_nobody(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the tasks that a limit ends, one whose row refuses goes on hold; the others fail, group by group."""
    monkeypatch.setattr(service, "EXPIRED_AT_ONCE", 2)
    batch_id = started(company, ["poison", "a", "b", "c"])
    company.sql("alter table video_tasks add constraint no_poison check (prompt <> 'poison' or status <> 'failed')")
    company.clock.advance(7200)
    report = company.run_pass()
    assert [task.status for task in company.tasks(batch_id)] == ["processing", "failed", "failed", "failed"]
    held = company.tasks(batch_id)[0]
    assert "no_poison" in held.hold_reason
    assert (report.poll.failed, report.poll.requests) == (3, 0)
    (finding,) = report.findings
    assert str(held.id) in finding.message


REFUSE_ALL = (
    "alter table video_tasks add constraint no_poison check (prompt <> 'poison') not valid;"
    "alter table video_tasks add constraint no_hold check (prompt <> 'poison' or hold_reason is null) not valid"
)
"""Rows as an old rule may leave them: whatever is written to the poisoned one is refused; a hold for another reason."""
REFUSE_NOTHING = "alter table video_tasks drop constraint no_poison; alter table video_tasks drop constraint no_hold"


@pytest.mark.parametrize("expired", [False, True])
def test_task_that_cannot_even_be_held_stops_nobody(
    company: Company, monkeypatch: pytest.MonkeyPatch, *, expired: bool
) -> None:
    """It is the first in every search and the only one that a search may find; still the others get their turn."""
    batch_id = started(company, ["poison", "a", "b"])
    company.sql("update video_tasks set next_poll_at = null where prompt = 'poison'")
    company.sql(REFUSE_ALL)
    company.limit(max_poll=1)
    monkeypatch.setattr(service, "EXPIRED_AT_ONCE", 1)
    company.clock.advance(7200 if expired else 5)

    reports = [company.run_pass() for _ in range(2)]

    end = "failed" if expired else "succeeded"
    assert [task.status for task in company.tasks(batch_id)] == ["processing", end, end]
    poison = company.tasks(batch_id)[0]
    assert poison.hold_reason is None
    for report in reports:
        (finding,) = report.poll.findings
        assert str(poison.id) in finding.message
        assert ("no_poison" in finding.message, "no_hold" in finding.message) == (True, True)
    company.sql(REFUSE_NOTHING)


def test_answer_that_cannot_be_recorded_nor_held_stops_nobody(company: Company) -> None:
    """When both are refused after the question was asked, the task is named with both reasons; others are recorded."""
    batch_id = started(company, ["poison", "a", "b"])
    waits = [REFUSE_ALL]

    def when_asked(request: Request) -> None:
        if request.path == RESULT_PATH and waits:
            company.sql(waits.pop())

    company.when_asked = when_asked
    company.clock.advance(5)
    report = company.run_pass()
    assert [task.status for task in company.tasks(batch_id)] == ["processing", "succeeded", "succeeded"]
    (finding,) = report.findings
    assert str(company.tasks(batch_id)[0].id) in finding.message
    assert ("no_poison" in finding.message, "no_hold" in finding.message) == (True, True)
    company.sql(REFUSE_NOTHING)
