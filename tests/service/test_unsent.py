"""Tasks that wait to be sent and never will be: those of refused batches, and those past their deadline."""

from datetime import timedelta
from uuid import uuid4

import pytest

from batchctl.simulator.faults import http_status
from tests.scenario import Company

NO_POISON = "alter table video_tasks add constraint no_poison check (prompt <> 'poison' or status <> 'failed')"


def test_tasks_of_a_refused_batch_are_failed_whenever_they_come(company: Company) -> None:
    """Tasks inserted after the refusal are failed by a later pass, never sent, and nobody is told twice."""
    customer = company.customer(permanent=5)
    batch_id = company.enqueue(customer, 1)
    company.run_pass()
    assert [task.status for task in company.tasks(batch_id)] == ["failed"]
    company.add_tasks(batch_id, customer, ["late", "later"], first=1)

    report = company.run_pass()

    late = company.tasks(batch_id)[1:]
    assert {(task.status, task.failure_type, task.error_message) for task in late} == {
        ("failed", "unknown", "INSUFFICIENT_CREDITS")
    }
    assert report.dispatch.claimed == report.webhook.sent == 0
    assert company.run_pass().is_idle


def test_task_that_cannot_be_failed_stops_nobody(company: Company) -> None:
    """Of a refused batch's tasks, one that breaks a rule of the database goes on hold, and the others are failed."""
    batch_id = company.enqueue(uuid4(), ["a", "poison", "b"])
    company.sql(NO_POISON)

    report = company.run_pass()

    assert [task.status for task in company.tasks(batch_id)] == ["failed", "pending", "failed"]
    held = company.tasks(batch_id)[1]
    assert "no_poison" in held.hold_reason
    (finding,) = report.dispatch.findings
    assert str(held.id) in finding.message


@pytest.mark.parametrize(
    ("trouble", "failure_type"),
    [("away", "network"), (429, "network"), (503, "model_error"), (401, "model_error"), ("余额不足", "model_error")],
)
def test_deadline_ends_what_could_not_be_sent(company: Company, trouble: str | int, failure_type: str) -> None:
    """Two hours after the first attempt a task fails for what kept it from being sent, and is refunded."""
    customer = company.customer(permanent=10)
    batch_id = company.enqueue(customer, 1)
    company.limit(max_submit_attempts=99)
    match trouble:
        case int(status):
            company.provider.status = http_status(status)
        case "away":
            company.provider.stop()
        case msg:
            company.provider.account = msg
    company.run_pass()
    first_attempt_at = company.clock.now
    company.clock.advance(7190)
    company.run_pass()
    (task,) = company.tasks(batch_id)
    assert (task.status, task.attempts, task.first_attempt_at) == ("pending", 2, first_attempt_at)
    company.clock.now = first_attempt_at + timedelta(seconds=7200 - 0.001)  # a pass begins a moment later

    report = company.run_pass()

    assert (report.dispatch.start_failed, report.dispatch.requests) == (1, 0)
    (task,) = company.tasks(batch_id)
    assert (task.status, task.failure_type, task.error_message) == ("failed", failure_type, "TASK_DEADLINE_REACHED")
    assert task.last_error != task.error_message
    assert company.wallet(customer) == (10, 0)


def test_overdue_task_that_cannot_be_failed_stops_nobody(company: Company) -> None:
    """Of several tasks past their deadline, one that breaks a rule of the database goes on hold, the others fail."""
    company.provider.stop()
    batch_id = company.enqueue(company.customer(permanent=30), ["a", "poison", "b"])
    company.run_pass()
    company.sql(NO_POISON)
    company.clock.advance(7200)

    report = company.run_pass()

    assert [task.status for task in company.tasks(batch_id)] == ["failed", "pending", "failed"]
    held = company.tasks(batch_id)[1]
    assert "no_poison" in held.hold_reason
    assert report.dispatch.start_failed == 2
    (finding,) = report.findings
    assert str(held.id) in finding.message
