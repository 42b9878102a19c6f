"""The figures that machines watch, read from a company at work."""

import pytest

from batchctl.domain.action import Command
from batchctl.domain.pause import Stage
from batchctl.service import pauses
from batchctl.service.metrics import measure
from batchctl.store import metrics
from tests import test_plans
from tests.scenario import Company


def test_figures_are_those_of_the_books(company: Company) -> None:
    """Open work by state, frozen credits, ends of the last hour with their money, and what customers were told."""
    customer = company.customer(permanent=1000)
    company.enqueue(customer, ["a", "b [sim: fail=error]"])
    company.enqueue(company.customer(), 1)
    company.run_until_quiet()
    company.enqueue(customer, ["c [sim: never]", "d [sim: submit=503]"])
    company.run_pass()
    company.enqueue(customer, 3)

    told = measure(company.world)

    steps = {row.next_step: (row.batches, row.tasks_pending, row.tasks_in_flight) for row in told.open_batches}
    assert steps == {"claim": (1, 3, 0), "start": (1, 1, 1)}
    assert sum(row.frozen_credits for row in told.open_batches) == 20
    ends = {str(row.status): (row.batches, row.credits_spent, row.credits_refunded) for row in told.ended_batches}
    assert ends == {"partial": (1, 10, 10), "failed": (1, 0, 0)}
    assert {row.webhook_status for row in told.ended_batches} == {"sent"}
    tasks = {(row.status, row.failure_type): row.tasks for row in told.ended_tasks}
    assert tasks == {("succeeded", None): 1, ("failed", "unknown"): 2}
    assert told.backlog.claim_due_since is not None
    company.clock.advance(8000)
    company.run_until_quiet(step_s=3000)


def test_what_ended_more_than_an_hour_ago_is_not_counted(company: Company) -> None:
    """The figures of the last hour forget what is older."""
    company.enqueue(company.customer(permanent=10), 1)
    company.run_until_quiet()
    company.clock.advance(3601)

    told = measure(company.world)

    assert (told.ended_batches, told.ended_tasks, told.open_batches) == ((), (), ())


def test_deliveries_that_wait_are_counted_by_what_for(company: Company) -> None:
    """An event that will be retried, and one whose endpoint is disabled."""
    customer = company.customer(permanent=20)
    company.enqueue(customer, 1, webhook="/hook?sim=500")
    shut = company.enqueue(customer, 1, webhook="/shut")
    company.sql(
        "insert into webhook_endpoints (user_id, url, disabled_at, disabled_reason)"
        " select user_id, webhook_url, %s, 'x' from batch_jobs where id = %s",
        *(company.clock.now, shut),
    )
    for _ in range(3):
        company.run_pass()
        company.clock.advance(10)

    told = {row.state: row.deliveries for row in measure(company.world).open_deliveries}

    assert told == {"retrying": 1, "set_aside": 1}


def test_pauses_are_told(company: Company) -> None:
    """A stage that an operator has stopped."""
    by = Command(os_user="op", host="desk", name="pause", arguments={}, reason="maintenance")
    pauses.pause(company.world, [Stage.DISPATCH], by)

    assert measure(company.world).paused == (Stage.DISPATCH,)


def test_figures_are_found_by_index(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much has ended, no table that keeps its rows for ever is read whole."""
    test_plans.add_history(company, test_plans.FEW)
    company.sql("analyze")
    since = company.clock.now
    with test_plans.explained(monkeypatch) as plans:
        company.world.db.survey(metrics.open_batches)
        company.world.db.survey(metrics.open_deliveries)
        company.world.db.survey(lambda tx: metrics.ended_tasks(tx, since=since))
        company.world.db.survey(lambda tx: metrics.ended_batches(tx, since=since))
    test_plans.forget(company)

    assert {name for name in plans.buffers if name.startswith("metrics/")} == {
        "metrics/open_batches",
        "metrics/open_deliveries",
        "metrics/ended_tasks",
        "metrics/ended_batches",
    }
    assert {(name, table) for name, table in plans.scanned if table in test_plans.KEEP_FOR_EVER} == set()
