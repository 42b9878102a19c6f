"""Sending tasks: which, how many at once, and what becomes of each answer (contract §4)."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest

from batchctl.domain.limits import OrphanPolicy
from batchctl.domain.provider import Accepted, SubmitAnswer
from batchctl.domain.wire import Outcome
from batchctl.gateways.grsai import Grsai
from batchctl.gateways.http import ThreadedHttp
from batchctl.simulator.faults import http_status, refusal
from batchctl.simulator.provider import SimulatedProvider
from batchctl.simulator.server import Request
from batchctl.store import batches
from tests.scenario import PLACES, Company

STAYS = "[sim: never]"
INT_MAX = 2**31 - 1


def one_batch(company: Company, *directives: str) -> tuple[UUID, UUID]:
    """Enqueue a batch of a rich customer, one task for each directive; return customer and batch."""
    customer = company.customer(permanent=10_000)
    prompts = [f"{number} [sim: {directive}]" for number, directive in enumerate(directives)]
    return customer, company.enqueue(customer, prompts)


def wait_s(company: Company, task: Any) -> float:
    """Return how long a task waits from now on."""
    waits: timedelta = task.next_retry_at - company.clock.now
    return waits.total_seconds()


def in_flight(company: Company) -> Counter[UUID]:
    """Count tasks in processing by customer."""
    return Counter(row.user_id for row in company.sql("select user_id from video_tasks where status = 'processing'"))


@contextmanager
def one_place(company: Company) -> Iterator[None]:
    """Let the worker send one request at a time."""
    with closing(ThreadedHttp(1)) as http:
        company.world = replace(company.world, provider_http=http)
        yield


# What becomes of each answer


def test_accepted_tasks(company: Company) -> None:
    """Code 0 with an id, wherever the id is put, is stored and first asked for 5 s later."""
    ids = ("id_at=data.id", "id_at=id", "id_at=task_id", "id_at=data.task_id", "submit=number_id")
    _, batch_id = one_batch(company, *ids)

    report = company.run_pass()

    assert (report.dispatch.tasks_started, report.dispatch.requests) == (5, 5)
    accepted = {entry.prompt: entry.remote_id for entry in company.provider.journal.accepted}
    for task in company.tasks(batch_id):
        assert task.status == "processing"
        assert task.grsai_task_id == accepted.get(task.prompt, "12345")
        assert task.next_poll_at == company.clock.now + timedelta(seconds=5)
        assert (task.attempts, task.provider_host) == (1, company.provider.base_url)
        assert task.first_attempt_at == task.claimed_at == company.clock.now


REFUSED = {
    "submit=400": ("param_error", "HTTP 400: HTTP 400"),
    "submit=404": ("param_error", "HTTP 404: HTTP 404"),
    "submit=413": ("param_error", "HTTP 413: HTTP 413"),
    "submit=422": ("param_error", "HTTP 422: HTTP 422"),
    "submit=451": ("param_error", "HTTP 451: HTTP 451"),
    "submit=code msg='the prompt offends'": ("unknown", "the prompt offends"),
    "submit=code msg='invalid size'": ("param_error", "invalid size"),
    "submit=code msg='model is offline'": ("model_error", "model is offline"),
    "submit=code code=7 msg='连接失败'": ("network", "连接失败"),
    "submit=no_id": ("model_error", "REMOTE_TASK_ID_MISSING"),
    "submit=null_id": ("model_error", "REMOTE_TASK_ID_MISSING"),
    "submit=empty_id": ("model_error", "REMOTE_TASK_ID_MISSING"),
}


def test_refused_tasks(company: Company) -> None:
    """Other 4xx are param_error, code ≠ 0 is classified by its text, no id is a model error; none is sent again."""
    customer, batch_id = one_batch(company, *REFUSED)
    company.limit(max_start_per_batch=99)

    report = company.run_pass()

    assert report.dispatch.start_failed == len(REFUSED)
    ends = [(task.failure_type, task.error_message) for task in company.tasks(batch_id)]
    assert ends == list(REFUSED.values())
    assert {(task.status, task.attempts) for task in company.tasks(batch_id)} == {("failed", 1)}
    assert (company.batch(batch_id).status, company.wallet(customer)) == ("failed", (10_000, 0))
    assert len(company.provider.journal.submissions) == len(REFUSED)


RATE = ("Too Many Requests", "Rate limit exceeded, slow down", "请求过于频繁 请稍后再试")
BALANCE = ("insufficient credits", "Insufficient Balance", "insufficient quota.", "账户余额不足", "您的积分不足")
KEY = ("invalid API key", "api-key expired", "bad api_key", "Unauthorized", "request unauthorised", "密钥无效")


def test_tasks_to_send_later(company: Company) -> None:
    """What was surely not accepted waits about 15 s; of all these only 500, 502 and 503 count as attempts."""
    statuses = {f"submit={status}": status >= 500 for status in (408, 425, 429, 500, 502, 503)}
    # All of one customer: text alone must not stop the pass before each was sent.
    words = {f"submit=code msg='{msg}'": False for msg in (*RATE, *BALANCE, *KEY)}
    counted = statuses | words
    customer, batch_id = one_batch(company, *counted)
    company.limit(max_start_per_batch=99)

    report = company.run_pass()

    assert (report.dispatch.start_deferred, report.dispatch.start_failed) == (len(counted), 0)
    assert report.dispatch.findings == ()
    for task, counts in zip(company.tasks(batch_id), counted.values(), strict=True):
        assert (task.status, task.attempts, task.submit_defers) == ("pending", 1, 1)
        assert task.submit_errors == int(counts), task.prompt
        assert 12 <= wait_s(company, task) <= 18
        assert task.last_error
        assert task.failure_type is None
    assert company.wallet(customer) == (10_000 - 10 * len(counted), 0)


UNKNOWN = {
    "submit=504": "timeout",
    "submit=hang": "timeout",
    "submit=stall": "timeout",
    "submit=reset": "network",
    "submit=close": "network",
    "submit=cut": "network",
    "submit=301": "network",
    "submit=302": "network",
    "submit=501": "network",
    "submit=520": "network",
    "submit=html": "network",
    "submit=empty": "network",
    "submit=malformed": "network",
    "submit=list": "network",
    "submit=no_code": "network",
    "submit=nested": "network",
    "submit=duplicate_keys": "network",
    "submit=huge": "network",
}


def test_tasks_of_unknown_fate(company: Company) -> None:
    """What may or may not have been accepted is failed and refunded at once in polling mode, and never sent again."""
    company.talk_to_provider(timeout_ms=400)
    customer, batch_id = one_batch(company, *UNKNOWN)
    company.limit(max_start_per_batch=99)

    report = company.run_pass()

    assert (report.dispatch.start_unknown, report.dispatch.start_failed) == (len(UNKNOWN), 0)
    assert [task.failure_type for task in company.tasks(batch_id)] == list(UNKNOWN.values())
    assert {(task.status, task.error_message, task.attempts) for task in company.tasks(batch_id)} == {
        ("failed", "SUBMIT_OUTCOME_UNKNOWN", 1)
    }
    assert company.wallet(customer) == (10_000, 0)
    assert len(company.provider.journal.submissions) == len(UNKNOWN)


def test_words_speak_before_the_status(company: Company) -> None:
    """A message about the rate, the balance or the key puts the task off uncounted, whatever status it came with."""
    customer = company.customer(permanent=10_000)
    for status in (200, 404, 503, 504):
        for msg in (RATE[0], RATE[2], BALANCE[0], BALANCE[3], KEY[0], KEY[5]):
            company.provider.status = refusal(-1, msg, status=status)
            batch_id = company.enqueue(customer, 1)
            company.run_pass()
            (task,) = company.tasks(batch_id)
            assert (task.status, task.submit_errors, task.submit_defers) == ("pending", 0, 1), (status, msg)


# Waiting and coming back


def test_wait_holds_up_one_task_only(company: Company) -> None:
    """A put-off task comes back after 15 s, 60 s, then 5 min for ever, and keeps no other task waiting."""
    _, batch_id = one_batch(company, "submit=429", *["polls=1"] * 60)
    company.limit(max_start_per_batch=6)
    for step_s in (15, 60, 300, 300):
        assert company.run_pass().dispatch.start_deferred == 1
        due_s = wait_s(company, company.tasks(batch_id)[0])
        assert 0.8 * step_s <= due_s <= 1.2 * step_s
        company.clock.advance(due_s - 0.02)
        company.run_pass()  # the others are asked for, and end
        report = company.run_pass()
        assert (report.dispatch.start_deferred, report.dispatch.tasks_started) == (0, 6)
        company.clock.advance(10)
        company.run_pass()
    stuck = company.tasks(batch_id)[0]
    assert (stuck.status, stuck.attempts, stuck.submit_errors) == ("pending", 4, 0)


def test_retry_after_is_followed(company: Company) -> None:
    """Retry-After lengthens the wait, at most to 15 min, and never shortens it."""
    customer = company.customer(permanent=10_000)
    for status in (429, 503, 401):
        for retry_after, low_s, high_s in (("120", 120, 120), ("86400", 900, 900), ("1", 12, 18)):
            company.provider.status = http_status(status, retry_after=retry_after)
            batch_id = company.enqueue(customer, 1)
            company.run_pass()
            company.sql("delete from account_breaker")  # the next submission is one like this, and no probe
            (task,) = company.tasks(batch_id)
            assert low_s <= wait_s(company, task) <= high_s, (status, retry_after)


def test_server_errors_use_up_the_attempts(company: Company) -> None:
    """The third 500, 502 or 503 ends a task as model_error; what lies between them does not count."""
    customer, batch_id = one_batch(company, "polls=1")
    for status in (503, 429, 502, 408, 425):
        company.provider.status = http_status(status)
        assert company.run_pass().dispatch.start_deferred == 1
        company.clock.advance(400)
    company.provider.status = http_status(500)
    assert company.run_pass().dispatch.start_failed == 1
    (task,) = company.tasks(batch_id)
    assert (task.status, task.failure_type, task.error_message) == ("failed", "model_error", "HTTP 500")
    assert (task.attempts, task.submit_errors) == (6, 3)
    assert company.wallet(customer) == (10_000, 0)


def test_provider_away_for_an_hour_costs_nobody_anything(company: Company) -> None:
    """While nobody answers no task fails and nothing is refunded; afterwards each is accepted once and charged."""
    customers = [company.customer(permanent=100) for _ in range(3)]
    batch_ids = [company.enqueue(customer, 10) for customer in customers]
    company.provider.stop()
    for _ in range(12):
        report = company.run_pass()
        assert report.findings[-1].exit_code == 69
        assert (report.dispatch.start_failed, report.settle.settled) == (0, 0)
        company.clock.advance(300)
    assert {company.batch(batch_id).status for batch_id in batch_ids} == {"processing"}
    assert {task.submit_errors for batch_id in batch_ids for task in company.tasks(batch_id)} == {0}

    company.provider.start()
    company.clock.advance(60)  # the longest of the spread waits is over
    company.run_until_quiet()

    assert {company.batch(batch_id).status for batch_id in batch_ids} == {"completed"}
    assert [company.wallet(customer) for customer in customers] == [(0, 0)] * 3
    assert len(company.provider.journal.accepted) == 30


# The account


@pytest.mark.parametrize("status", [401, 402, 403])
def test_refused_account_stops_the_pass_at_once(company: Company, status: int) -> None:
    """After one such status nothing more is sent, no task is burnt, the operator is told; once mended all goes on."""
    company.provider.status = http_status(status)
    batch_ids = [company.enqueue(company.customer(permanent=200), 10) for _ in range(6)]
    company.limit(max_claim=6)

    report = company.run_pass()

    assert len(company.provider.journal.submissions) == PLACES
    (finding,) = report.dispatch.findings
    assert finding.exit_code == 1
    assert f"HTTP {status}" in finding.message
    assert "GRSAI_API_KEY" in finding.message
    tasks = [task for batch_id in batch_ids for task in company.tasks(batch_id)]
    assert {(task.status, task.submit_errors) for task in tasks} == {("pending", 0)}

    company.provider.status = None
    company.clock.advance(20)
    company.run_until_quiet()
    assert {company.batch(batch_id).status for batch_id in batch_ids} == {"completed"}
    assert set(company.provider.journal.accepted_per_prompt().values()) == {6}


def test_refusals_by_text_stop_the_pass_after_three_tasks_of_two_customers(company: Company) -> None:
    """Once three tasks of two customers hear of the balance, the rest of the pass is not sent."""
    company.provider.account = "账户余额不足"
    for task_count in (2, 5):
        company.enqueue(company.customer(permanent=100), task_count)
    with one_place(company):
        report = company.run_pass()
    assert len(company.provider.journal.submissions) == 3
    assert [finding.exit_code for finding in report.dispatch.findings] == [1]


def test_refusals_by_text_of_one_customer_stop_nothing(company: Company) -> None:
    """One customer's prompts may be what the message speaks of: all tasks are tried, and none is burnt."""
    company.provider.account = "insufficient credits"
    batch_id = company.enqueue(company.customer(permanent=100), 5)
    with one_place(company):
        report = company.run_pass()
    assert len(company.provider.journal.submissions) == 5
    assert report.dispatch.findings == ()
    assert {(task.status, task.submit_errors) for task in company.tasks(batch_id)} == {("pending", 0)}


# How many at once


def test_batch_is_topped_up_to_the_cap(company: Company) -> None:
    """No more of a batch than the cap is in flight; later passes start as many as have ended, in their order."""
    _, batch_id = one_batch(company, *["polls=1"] * 4, *["never"] * 21)
    started = [company.run_pass().dispatch.tasks_started]
    company.clock.advance(5)
    started.append(company.run_pass().dispatch.tasks_started)
    started.append(company.run_pass().dispatch.tasks_started)
    assert started == [10, 0, 4]
    statuses = [task.status for task in company.tasks(batch_id)]
    assert statuses == ["succeeded"] * 4 + ["processing"] * 10 + ["pending"] * 11


def test_scarce_places_are_shared_between_customers(company: Company) -> None:
    """However many batches and tasks they have, customers are never more than one place apart while they wait."""
    random = Random(3)
    company.limit(max_claim=100, max_start_per_batch=100)
    customers = [company.customer(permanent=10_000) for _ in range(6)]
    for customer in customers:
        for _ in range(random.randint(1, 5)):
            company.enqueue(customer, [STAYS] * random.randint(1, 9))
    for places in range(7, 84, 7):
        company.limit(max_in_flight=places)
        company.run_pass()
        counts = in_flight(company)
        waiting = {row.user_id for row in company.sql("select user_id from video_tasks where status = 'pending'")}
        assert counts.total() == places or not waiting
        assert all(counts[customer] >= max(counts.values()) - 1 for customer in waiting)


def test_places_may_become_fewer(company: Company) -> None:
    """After BATCH_MAX_IN_FLIGHT was lowered below what flies, nothing is sent until there is room again."""
    _, batch_id = one_batch(company, *["polls=1"] * 15)
    company.run_pass()
    for places, flying, started in ((4, 10, 0), (4, 0, 4)):
        company.limit(max_in_flight=places)
        assert company.batch(batch_id).tasks_in_flight == flying
        report = company.run_pass()
        assert (report.dispatch.tasks_started, report.findings) == (started, ())
        company.clock.advance(5)
        company.run_pass()


def test_what_takes_a_place(company: Company) -> None:
    """BATCH_MAX_IN_FLIGHT counts tasks in doubt and on hold, and no video outside a batch (contract §4)."""
    company.talk_to_provider(callback_base_url="https://application.example")
    customer, batch_id = one_batch(company, "submit=504", "never")
    company.run_pass()
    in_doubt, held = company.tasks(batch_id)
    company.sql("update video_tasks set hold_reason = 'odd' where id = %s", held.id)
    company.sql(
        "insert into video_tasks (user_id, prompt, status, grsai_task_id) values (%s, 'single', 'processing', 'r-1')",
        customer,
    )
    assert (in_doubt.status, in_doubt.grsai_task_id, held.status) == ("processing", None, "processing")
    company.enqueue(customer, [STAYS] * 3)
    company.limit(max_in_flight=3)

    assert [company.run_pass().dispatch.tasks_started for _ in range(2)] == [1, 0]


def test_scarce_places_are_shared_between_batches(company: Company) -> None:
    """Within a customer, places go round the batches, the older ones first."""
    customer = company.customer(permanent=10_000)
    batch_ids = [company.enqueue(customer, [STAYS] * 9) for _ in range(4)]
    for places, expected in ((3, [1, 1, 1, 0]), (6, [2, 2, 1, 1]), (12, [3, 3, 3, 3])):
        company.limit(max_in_flight=places)
        company.run_pass()
        assert [company.batch(batch_id).tasks_in_flight for batch_id in batch_ids] == expected


def test_batches_that_wait_hide_no_others(company: Company) -> None:
    """With one free place, a customer's older batches whose tasks are all put off do not hide the newer ones."""
    customer = company.customer(permanent=10_000)
    waiting = [company.enqueue(customer, ["a [sim: submit=429]"] * 2) for _ in range(3)]
    company.run_pass()
    assert {company.batch(batch_id).tasks_pending for batch_id in waiting} == {2}
    newer = company.enqueue(customer, [STAYS])
    company.limit(max_in_flight=1)

    assert company.run_pass().dispatch.tasks_started == 1

    assert company.batch(newer).tasks_in_flight == 1


def test_full_batches_hide_no_others(company: Company) -> None:
    """With one free place, a batch at its cap does not stand before one that has room but whose customer has more."""
    company.limit(max_start_per_batch=2, max_claim=9)
    company.enqueue(company.customer(permanent=1000), [STAYS] * 5)
    busy = company.customer(permanent=1000)
    company.enqueue(busy, [STAYS] * 5)
    company.run_pass()
    roomy = company.enqueue(busy, [STAYS] * 5)
    for places in (5, 6):
        company.limit(max_in_flight=places)
        assert company.run_pass().dispatch.tasks_started == 1
    assert company.batch(roomy).tasks_in_flight == 2


def test_no_more_batches_are_locked_than_places_are_free(company: Company) -> None:
    """Many customers at work do not make a small claim lock a batch of each: what is found fits the places."""
    for _ in range(6):
        customer = company.customer(permanent=1000)
        for _ in range(2):
            company.enqueue(customer, 3)
    company.limit(max_claim=12)
    company.provider.status = http_status(429)
    company.run_pass()
    company.clock.advance(20)
    world, now = company.world, company.clock.now
    found = world.db.transact(
        lambda tx: batches.find_startable(tx, places=4, start_cap=10, pass_started_at=now, now=now)
    )
    assert len({batch.user_id for batch in found}) == len(found) == 4


def test_never_more_is_claimed_for_sending_than_places_are_free(company: Company) -> None:
    """At any request, the tasks claimed and not answered are no more than the requests that can fly."""
    one_batch(company, *["polls=1"] * 100)
    company.limit(max_start_per_batch=100)
    claimed: list[int] = []
    looking = threading.Lock()
    with psycopg.connect(company.dsn, autocommit=True) as observer:

        def look(_request: Request) -> None:
            with looking:
                row = observer.execute(
                    "select count(*) from video_tasks where status = 'processing' and grsai_task_id is null"
                ).fetchone()
                assert row is not None
                claimed.append(row[0])

        company.when_asked = look
        company.run_pass()
    assert len(claimed) == 100
    assert max(claimed) <= PLACES


def test_nothing_is_open_while_a_request_is_away(company: Company) -> None:
    """While the provider or a receiver is asked, no session of the worker is inside a transaction or holds a lock."""
    seen = Counter[str]()
    open_sessions: list[Any] = []

    def look(request: Request) -> None:
        seen[request.path] += 1
        with psycopg.connect(company.dsn, autocommit=True) as observer:
            open_sessions.extend(
                observer.execute(
                    "select state, query from pg_stat_activity where datname = current_database()"
                    " and application_name = 'batchctl' and (state <> 'idle' or xact_start is not null)"
                ).fetchall()
            )

    company.when_asked = company.when_told = look
    with one_place(company):
        company.enqueue(company.customer(permanent=100), 3)
        company.run_until_quiet()
    assert seen == {"/v1/video/sora-video": 3, "/v1/draw/result": 3, "/hook": 1}
    assert open_sessions == []


def test_a_pass_submits_a_task_at_most_once(company: Company) -> None:
    """What becomes due again within the pass that tried it is left for the next pass."""
    _, batch_id = one_batch(company, *["submit=reset"] * 15, *["submit=429"] * 15)
    company.limit(max_start_per_batch=4, orphan_policy=OrphanPolicy.RESUBMIT)
    tried = Counter[str]()
    long_ago = company.clock.now - timedelta(hours=1)

    def move_time(request: Request) -> None:
        tried[request.path] += 1
        company.sql("update video_tasks set next_retry_at = %s where next_retry_at is not null", long_ago)

    company.when_asked = move_time
    report = company.run_pass()

    assert report.dispatch.requests == tried.total() == 30
    assert {task.attempts for task in company.tasks(batch_id)} == {1}


# What the row remembers


def test_task_is_polled_where_it_was_submitted(company: Company) -> None:
    """After GRSAI_HOST has changed, tasks are asked for at the old address, and new ones are sent to the new one."""
    customer, old = one_batch(company, "polls=2")
    company.run_pass()
    with SimulatedProvider(api_key="sk-test") as moved:
        company.talk_to_provider(host=moved.base_url)
        new = company.enqueue(customer, 1)
        company.run_until_quiet()
        assert [len(p.journal.submissions) for p in (company.provider, moved)] == [1, 1]
        assert [len(p.journal.polls) for p in (company.provider, moved)] == [2, 1]
        assert company.tasks(new)[0].provider_host == moved.base_url
    assert company.tasks(old)[0].provider_host == company.provider.base_url


class Careless(Grsai):
    """A provider of which some ids hold a character that no database stores."""

    def read_submission(self, outcome: Outcome) -> SubmitAnswer:
        """Spoil the id `nul`."""
        answer = super().read_submission(outcome)
        return Accepted(remote_id="nul\0") if answer == Accepted(remote_id="nul") else answer


def test_rows_that_the_database_rejects_stop_nobody(company: Company) -> None:
    """A repeated id, a NUL, an overflow: each such task goes on hold with its reason, all others of the group go on."""
    same, strange = "remote_id=same never", "remote_id=nul never"
    _, batch_id = one_batch(company, "never", same, same, strange, "never", "submit=503", "never")
    company.sql("update video_tasks set attempts = %s where batch_index = 4", INT_MAX)
    company.sql("update video_tasks set submit_errors = %s where batch_index = 5", INT_MAX)
    careless = Careless(
        host=company.provider.base_url, api_key="sk-test", timeout_ms=2000, callback_base_url=None, clock=company.clock
    )
    company.world = replace(company.world, provider=careless)

    report = company.run_pass()

    tasks = company.tasks(batch_id)
    held = {task.batch_index: task.hold_reason for task in tasks if task.hold_reason}
    (repeated,) = held.keys() & {1, 2}
    assert held.keys() == {repeated, 3, 4, 5}
    assert "the provider accepted it as 'same'" in held[repeated]
    assert "NUL" in held[3]
    assert "nul\\x00" in held[3]
    assert "out of range" in held[4]
    assert "out of range" in held[5]
    going = [task for task in tasks if not task.hold_reason]
    assert len(going) == 3
    assert all(task.status == "processing" and task.grsai_task_id for task in going)
    assert report.dispatch.tasks_started == 3
    assert len(report.dispatch.findings) == 4
    assert {finding.exit_code for finding in report.dispatch.findings} == {1}

    sent = len(company.provider.journal.submissions)
    company.clock.advance(1000)
    assert company.run_pass().dispatch.findings == ()
    assert len(company.provider.journal.submissions) == sent
    assert {task.batch_index for task in company.tasks(batch_id) if task.hold_reason} == held.keys()


def test_strange_meta_stops_nobody(company: Company) -> None:
    """Whatever JSON a customer puts into meta, that task and all others are sent."""
    strange = ["[" * 3000 + "]" * 3000, f'{{"seed": {"9" * 5000}}}', "17", "null"]
    _, batch_id = one_batch(company, *["never"] * 5)
    for number, meta in enumerate(strange):
        company.sql("update video_tasks set meta = %s::jsonb where batch_index = %s", meta, number)
    assert company.run_pass().dispatch.tasks_started == 5
    # So that a failing test can show these rows.
    company.sql("update video_tasks set meta = null where batch_job_id = %s", batch_id)
