"""Resends are killed at each point of their way: what was closed stays closed, what is open goes on, none is stuck."""

import signal
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from batchctl.failpoint import VARIABLE, Failpoint
from batchctl.service.resend import resend
from batchctl.simulator.faults import http_status
from tests.faults.ground import Ground, lend_clock, take_clock_back
from tests.scenario import Company, violations

POINTS = [point for point in Failpoint if point.startswith("deliver.")]
LEASE = timedelta(seconds=3)
"""A try's 1 s and the slack of 2 s."""


def told(company: Company, status: str) -> UUID:
    """Have a batch whose event stands as `status` says, or was never written; its receiver is well again."""
    company.limit(webhook_quick_retries=0, webhook_slow_retries=0 if status == "failed" else 8)
    company.receiver.script("/hook", then=http_status(200 if status == "sent" else 500))
    batch_id = company.enqueue(uuid4(), 1, webhook=None if status == "untold" else "/hook")
    company.run_pass()
    company.receiver.script("/hook")
    if status == "untold":
        url = f"{company.receiver.base_url}/hook"
        company.sql("update batch_jobs set webhook_url = %s where id = %s", url, batch_id)
    return batch_id


@pytest.mark.parametrize("point", POINTS)
def test_kill_of_a_resend_leaves_nothing_stuck(ground: Ground, point: Failpoint) -> None:
    """Wherever it dies: what it had claimed is as it was or is told, and a second resend tells each in the end."""
    with ground.company() as company:
        batch_ids = {status: told(company, status) for status in ("failed", "sent", "retrying", "untold")}
        lend_clock(company)
        ids = [str(batch_id) for batch_id in batch_ids.values()]
        worker = ground.start(company, "webhook", "resend", *ids, **{VARIABLE: f"{point}:1:kill"})
        assert worker.wait() == -signal.SIGKILL
        company.sql(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and application_name = 'batchctl'"
        )
        take_clock_back(company)
        company.tries_cut_short = len(company.sql("select 1 from delivery_attempts where duration_ms is null"))
        for status, batch_id in batch_ids.items():
            ends = {"pending" if status == "untold" else status, "sent"}
            assert {one.status for one in company.deliveries(batch_id)} <= ends
        broken = {found.name for found in violations(company.conn, company.clock, company.world.limits)}
        assert broken <= {"w1_one_event"}, "save that one batch may still not have been told"

        company.clock.advance(LEASE.total_seconds())
        report = resend(company.world, [*batch_ids.values()], lambda: False)

        assert report.delivered == len(batch_ids)
        assert {status for (status,) in company.sql("select status from webhook_deliveries")} == {"sent"}
