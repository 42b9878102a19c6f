"""The stage as a whole: what it reports, when it stops, and what a pass costs the database."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from batchctl.domain.batch import StartableBatch
from batchctl.domain.problem import ConfigProblem, Problem
from batchctl.domain.report import DispatchReport
from batchctl.domain.wire import Landed, Reply, Request
from batchctl.service.dispatch import dispatch
from batchctl.service.world import Budget, start_pass
from batchctl.store import batches
from tests.scenario import PLACES, Company


def dispatch_once(company: Company, budget: Budget | None = None) -> DispatchReport:
    """Run the stage alone."""
    company.clock.advance(0.001)
    return dispatch(company.world, budget or start_pass(company.world, None))


def test_report_counts_what_happened(company: Company) -> None:
    """What was claimed is frozen + freeze_failed, and each submission is counted once, by what became of it."""
    rich, poor = company.customer(permanent=1000), company.customer(permanent=1)
    prompts = ["never", "never", "submit=429", "submit=503", "submit=400", "submit=reset"]
    company.enqueue(rich, [f"clip [sim: {directive}]" for directive in prompts])
    company.enqueue(poor, 1)
    company.enqueue(poor, 1, cost=None)

    assert dispatch_once(company) == DispatchReport(
        claimed=3,
        frozen=1,
        freeze_failed=2,
        tasks_started=2,
        start_failed=1,
        start_deferred=2,
        start_unknown=1,
        credits_frozen=60,
        refusals={"INSUFFICIENT_CREDITS": 1, "INVALID_BATCH": 1},
        requests=6,
    )


def test_idle_stage_reports_nothing(company: Company) -> None:
    """With nothing to do every number is zero."""
    assert dispatch_once(company) == DispatchReport()


def test_missing_key_claims_nothing(company: Company) -> None:
    """Without GRSAI_API_KEY nothing is claimed, frozen or refused; the other stages still run, and the pass says 78."""
    customer = company.customer(permanent=10)
    refused, finished = company.enqueue(customer, 1, cost=99), company.enqueue(customer, 1)
    company.limit(max_claim=1)
    company.run_pass()
    company.run_pass()
    company.sql(
        "update video_tasks set status = 'failed', failure_type = 'unknown', error_message = 'x',"
        " completed_at = created_at where batch_job_id = %s",
        finished,
    )
    waiting = company.enqueue(customer, 1)
    company.world = replace(company.world, provider=None)

    with pytest.raises(ConfigProblem):
        dispatch_once(company)
    report = company.run_pass()

    assert company.batch(waiting).status == "queued"
    assert company.batch(refused).webhook_status == company.batch(finished).webhook_status == "sent"
    assert {finding.exit_code for finding in report.findings} == {78}


def test_spent_budget_sends_nothing(company: Company) -> None:
    """A pass without time left freezes what it claims but sends no task; the next pass does."""
    batch_id = company.enqueue(company.customer(permanent=30), 3)
    report = dispatch_once(company, start_pass(company.world, 0))
    assert (report.frozen, report.tasks_started, report.requests) == (1, 0, 0)
    assert {task.status for task in company.tasks(batch_id)} == {"pending"}
    assert dispatch_once(company).tasks_started == 3


def test_stop_records_what_is_in_flight(company: Company) -> None:
    """Asked to stop, the worker takes nothing more, and every task it has sent has its id stored."""
    batch_id = company.enqueue(company.customer(permanent=1000), ["clip [sim: submit_latency=0.02 never]"] * 60)
    company.limit(max_start_per_batch=60)
    asked: list[object] = []
    company.when_asked = asked.append

    report = dispatch_once(company, start_pass(company.world, None, lambda: bool(asked)))

    assert report.tasks_started == len(asked) == PLACES
    sent = [task for task in company.tasks(batch_id) if task.status == "processing"]
    assert len(sent) == PLACES
    assert all(task.grsai_task_id for task in sent)


def test_broken_claim_loses_no_answer_and_disturbs_no_other_stage(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When claiming breaks while requests fly, their answers are stored, and none is taken for an answer to a poll."""
    customer = company.customer(permanent=1000)
    polled = company.enqueue(customer, ["clip [sim: polls=1]"] * 5)
    company.run_pass()
    company.clock.advance(5)
    prompts = ["clip [sim: submit=code msg='no such size' submit_latency=0.05]"] * 10
    refused = company.enqueue(customer, prompts + ["clip [sim: never]"] * 20)
    company.limit(max_start_per_batch=30)
    find, takes = batches.find_startable, [0]

    def break_down(*args: Any, **kwargs: Any) -> list[StartableBatch]:
        takes[0] += 1
        if takes[0] > 1:
            raise Problem("the database is too busy")
        return find(*args, **kwargs)

    monkeypatch.setattr(batches, "find_startable", break_down)
    report = company.run_pass()

    assert [finding.message for finding in report.findings] == ["the database is too busy"]
    assert report.poll.succeeded == 5
    assert {task.status for task in company.tasks(polled)} == {"succeeded"}
    tasks = company.tasks(refused)
    assert [task.status for task in tasks[:10]] == ["failed"] * 10
    assert all(task.grsai_task_id for task in tasks if task.status == "processing")
    assert sum(task.status == "pending" for task in tasks) == 30 - PLACES


@pytest.mark.parametrize("answered", [True, False])
def test_unreachable_provider_is_reported(company: Company, *, answered: bool) -> None:
    """Exit code 69 is asked for when every request of the pass failed to connect, and not when one was answered."""
    customer = company.customer(permanent=1000)
    if answered:
        company.enqueue(customer, ["clip [sim: never]"])
        company.run_pass()
        company.clock.advance(5)
    company.enqueue(customer, 2)
    company.talk_to_provider(host="http://127.0.0.1:9")
    report = company.run_pass()
    assert (report.dispatch.requests, report.dispatch.connect_failures) == (2, 2)
    assert [finding.exit_code for finding in report.findings] == ([] if answered else [69])


# What a pass costs


class Instant:
    """An `Http` that answers everything at once, as a provider or a receiver does when all goes well."""

    name = "test"

    def __init__(self, places: int) -> None:
        """Start with nothing in flight."""
        self.places = places
        self._flying: list[Request] = []

    def send(self, requests: Sequence[Request]) -> None:
        """Take requests."""
        self._flying += requests

    def collect(self, wait_s: float) -> list[Landed]:
        """Answer all of them."""
        del wait_s
        landed = [
            Landed(key=request.key, outcome=Reply(status=200, headers={}, body=self._answer(request)), duration_ms=1)
            for request in self._flying
        ]
        self._flying.clear()
        return landed

    def close(self) -> None:
        """Do nothing."""

    def _answer(self, request: Request) -> bytes:
        body = json.loads(request.body)
        if request.url.endswith("/v1/draw/result"):
            data = {"id": body["id"], "status": "succeeded", "results": [{"url": "https://clips.example/1.mp4"}]}
        else:
            data = {"id": f"job of {body.get('prompt')}"}
        return json.dumps({"code": 0, "msg": "success", "data": data}).encode()


@pytest.mark.parametrize(("few", "many"), [((1, 10), (1, 1000)), ((5, 2), (200, 5))])
def test_number_of_statements_depends_on_groups_not_on_rows(
    company: Company, monkeypatch: pytest.MonkeyPatch, few: tuple[int, int], many: tuple[int, int]
) -> None:
    """A pass with 1000 tasks, in one batch or in 200, sends the database as many statements as a pass with 10."""
    company.world = replace(company.world, provider_http=Instant(2000), webhook_http=Instant(2000))
    company.limit(max_claim=1000, max_start_per_batch=1000, max_poll=2000, max_settle=1000, max_in_flight=5000)
    company.world.db.ask(lambda _: None)  # What connecting takes is no part of a pass.
    execute, counted = psycopg.Cursor.execute, [0]

    def count(*args: Any, **kwargs: Any) -> object:
        counted[0] += 1
        return execute(*args, **kwargs)

    def statements(batch_count: int, task_count: int) -> list[int]:
        ids = [company.enqueue(company.customer(permanent=10_000), 0, total=task_count) for _ in range(batch_count)]
        company.sql(
            "insert into video_tasks (user_id, batch_job_id, batch_index, prompt)"
            " select b.user_id, b.id, n, b.id::text || n from batch_jobs as b, generate_series(1, %s) as n"
            " where b.id = any(%s)",
            task_count,
            ids,
        )
        numbers: list[int] = []
        for _ in range(2):
            with monkeypatch.context() as patch:
                patch.setattr(psycopg.Cursor, "execute", count)
                counted[0] = 0
                company.run_pass()
                numbers.append(counted[0])
            company.clock.advance(5)
        assert {company.batch(batch_id).webhook_status for batch_id in ids} == {"sent"}
        return numbers

    assert statements(*few) == statements(*many)
