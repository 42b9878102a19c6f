"""Pruning: old history goes, what is open or young or needed stays, and the audit agrees before and after."""

from datetime import timedelta

import pytest

from batchctl.domain.problem import UsageProblem
from batchctl.domain.prune import PruneReport
from batchctl.service import prune as service
from tests.scenario import Company

QUARTER_S = 90 * 86400


def prune(company: Company, days: float = 60) -> PruneReport:
    """Prune what ended so many days ago."""
    return service.prune(company.world, company.clock.now - timedelta(days=days))[0]


def rows(company: Company, table: str) -> int:
    """Count the rows of a table."""
    return int(company.sql(f"select count(*) as n from {table}")[0].n)  # noqa: S608 - a name of this test


def test_old_history_goes_and_the_books_stay(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events, tries, passes and late results that are old; batches, tasks, money and what operators did are as before.

    In portions: several transactions do the work of one. The scenario's audit runs at the end.
    """
    monkeypatch.setattr(service, "ROWS", 2)
    customer = company.customer(permanent=1000)
    for number in range(5):
        company.enqueue(customer, ["a", "b [sim: fail=error]"], webhook=f"/hook?sim=500&times={number % 2}")
    late = company.enqueue(customer, ["c [sim: polls=1]"])
    company.run_until_quiet()
    company.sql(
        "insert into late_results (task_id, grsai_task_id, seen_at) select id, 'x', %s from video_tasks"
        " where status = 'failed' limit 3",
        company.clock.now,
    )
    kept = ("batch_jobs", "video_tasks", "credit_wallet", "credit_ledger", "operator_actions", "batch_requests")
    before = {table: rows(company, table) for table in kept}
    attempts = rows(company, "delivery_attempts")
    company.clock.advance(QUARTER_S)
    young = company.enqueue(customer, 1)
    company.run_until_quiet()
    before = {table: rows(company, table) for table in kept}
    passes = rows(company, "runs")

    found = service.count(company.world, company.clock.now - timedelta(days=60))
    report = prune(company)

    assert (report.deliveries, report.attempts, report.late_results) == (6, attempts, 3)
    assert (found.deliveries, found.attempts, found.runs) == (report.deliveries, report.attempts, report.runs)
    assert 0 < report.runs < passes
    assert rows(company, "runs") == passes - report.runs
    assert {table: rows(company, table) for table in kept} == before
    assert company.deliveries(late) == []
    assert [delivery.status for delivery in company.deliveries(young)] == ["sent"]
    assert prune(company).deliveries == 0


def test_newest_pass_stays(company: Company) -> None:
    """Doctor wants to know when the last pass was, however long ago that is."""
    company.enqueue(company.customer(permanent=10), 1)
    company.run_until_quiet()
    company.clock.advance(QUARTER_S)

    prune(company)

    assert rows(company, "runs") == 1


def test_what_is_not_over_stays(company: Company) -> None:
    """An event that is to be retried, one that was resent lately, and those of a batch on hold."""
    customer = company.customer(permanent=30)
    waiting = company.enqueue(customer, 1, webhook="/a")
    resent = company.enqueue(customer, 1, webhook="/b")
    held = company.enqueue(customer, 1, webhook="/c")
    company.run_until_quiet()
    company.clock.advance(QUARTER_S)
    now = company.clock.now
    company.sql(
        "update webhook_deliveries set status = 'retrying', delivered_at = null, next_attempt_at = %s"
        " where batch_job_id = %s",
        *(now, waiting),
    )
    company.sql("update batch_jobs set webhook_status = 'retrying' where id = %s", waiting)
    company.sql(
        "insert into delivery_attempts (delivery_id, attempt, started_at, duration_ms, status_code)"
        " select id, attempts + 1, %s, 5, 200 from webhook_deliveries where batch_job_id = %s",
        *(now, resent),
    )
    company.sql("update webhook_deliveries set attempts = attempts + 1 where batch_job_id = %s", resent)
    company.sql("update batch_jobs set webhook_attempts = webhook_attempts + 1 where id = %s", resent)
    company.sql("update batch_jobs set hold_reason = 'x' where id = %s", held)

    assert prune(company).deliveries == 0

    company.sql("update batch_jobs set hold_reason = null where id = %s", held)
    company.run_until_quiet()
    assert prune(company).deliveries == 1


def test_what_others_hold_is_passed_over(company: Company) -> None:
    """A row that somebody has locked is left to the next time, and nobody waits."""
    batches = [company.enqueue(company.customer(permanent=10), 1) for _ in range(2)]
    company.run_until_quiet()
    company.clock.advance(QUARTER_S)
    with company.conn.transaction():
        company.sql("select 1 from webhook_deliveries where batch_job_id = %s for update", batches[0])
        assert prune(company).deliveries == 1

    assert prune(company).deliveries == 1


def test_events_that_are_missing_without_pruning_are_still_found(company: Company) -> None:
    """The audit forgives no event of a batch that ended after what was pruned."""
    old = company.enqueue(company.customer(permanent=10), 1)
    company.run_until_quiet()
    company.clock.advance(QUARTER_S)
    young = company.enqueue(company.customer(permanent=10), 1)
    company.run_until_quiet()
    prune(company)
    saved = company.deliveries(young)
    company.sql("delete from webhook_deliveries where batch_job_id = %s", young)

    with pytest.raises(AssertionError, match="w1_one_event"):
        company.check()

    assert (len(saved), company.deliveries(old)) == (1, [])
    company.sql("update pruned_history set ended_before = %s", company.clock.now + timedelta(days=1))


def test_what_is_young_is_not_pruned(company: Company) -> None:
    """A slip in the unit deletes nothing."""
    with pytest.raises(UsageProblem, match="at least 7d"):
        prune(company, days=6.9)
