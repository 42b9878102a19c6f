"""A worker is killed at each point of its way; later passes finish the work, and money and events come out once."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from batchctl.service.dispatch import dispatch
from batchctl.service.poll import poll
from batchctl.service.world import Budget, World, start_pass
from tests.scenario import SECRET, Company

KILLED_AT = """
import os, signal, sys
from importlib import import_module
from batchctl.cli import main

owner, name, moment, *command = sys.argv[1:]
module, _, inner = owner.partition(":")
place = getattr(import_module(module), inner) if inner else import_module(module)
original = getattr(place, name)

def die(*args, **kwargs):
    if moment == "after":
        original(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(place, name, die)
sys.exit(main(command))
"""
"""A worker that kills itself before or after the first call of a function."""

POINTS = {
    "in the claim, before its commit": ("dispatch", "batchctl.store.ledger", "insert", "after"),
    "after the claim's commit": ("dispatch", "batchctl.service.dispatch", "rescue", "before"),
    "in the claim for sending, before its commit": ("dispatch", "batchctl.store.tasks", "start", "after"),
    "after it, before the first request": ("dispatch", "batchctl.gateways.http:ThreadedHttp", "send", "before"),
    "after requests went out": ("dispatch", "batchctl.gateways.http:ThreadedHttp", "collect", "before"),
    "with answers in hand": ("dispatch", "batchctl.store.tasks", "record_submissions", "before"),
    "in the record of answers, before its commit": ("dispatch", "batchctl.store.tasks", "record_submissions", "after"),
    "in the claim of polls, before its commit": ("poll", "batchctl.store.tasks", "claim_polls", "after"),
    "with results in hand": ("poll", "batchctl.store.tasks", "record_polls", "before"),
    "in the record of results, before its commit": ("poll", "batchctl.store.tasks", "record_polls", "after"),
    "in the settlement, before the money moves": ("settle", "batchctl.store.batches", "settle", "after"),
    "in the settlement, before its commit": ("settle", "batchctl.store.ledger", "insert", "after"),
    "between settlement and webhook": ("run-once", "batchctl.service.run_once", "deliver", "before"),
    "with the receiver's answer in hand": ("run-once", "batchctl.store.deliveries", "record", "before"),
    "in the record of a delivery, before its commit": ("run-once", "batchctl.store.deliveries", "record", "after"),
}
BEFORE: dict[str, list[Callable[[World, Budget], object]]] = {
    "dispatch": [],
    "poll": [dispatch],
    "settle": [dispatch, poll],
    "run-once": [dispatch, poll],
}
"""The stages that are run before the one in which the worker dies."""
PLACES = 4


def environment(company: Company) -> dict[str, str]:
    """Return what a worker process of this company needs."""
    return {
        **os.environ,
        "BATCHCTL_DATABASE_URL": company.dsn,
        "GRSAI_HOST": company.provider.base_url,
        "GRSAI_API_KEY": "sk-test",
        "ENTERPRISE_WEBHOOK_SECRET": SECRET,
        "ENTERPRISE_WEBHOOK_ALLOW_INSECURE": "true",
        "BATCH_PROVIDER_CONCURRENCY": str(PLACES),
        "BATCH_WORKER_MAX_START_TASKS_PER_BATCH": "300",
    }


def await_the_dead(company: Company) -> None:
    """Wait until the server has noticed that the worker is gone, and move the clock past what it left behind."""
    company.sql(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid() and application_name = 'batchctl'"
    )
    company.clock.now = datetime.now(UTC)  # noqa: TID251 - the killed worker lived by real time
    company.clock.advance(301)


@pytest.mark.parametrize("point", POINTS)
def test_killed_worker_loses_nothing_and_does_nothing_twice(company: Company, point: str) -> None:
    """Wherever it dies: every batch ends, each task is accepted once, and at most what was in flight is in doubt.

    The books, the events and their signatures are checked at the end of every scenario.
    """
    command, owner, name, moment = POINTS[point]
    for user_id in (company.customer(permanent=60), company.customer(bonus=60)):
        company.enqueue(user_id, [f"{user_id} {n}" + (" [sim: fail=error]" if n == 0 else "") for n in range(6)])
    for stage in BEFORE[command]:
        stage(company.world, start_pass(company.world, None))
        company.sql("update video_tasks set next_poll_at = null")
    script = [sys.executable, "-c", KILLED_AT, owner, name, moment, command]

    assert subprocess.run(script, env=environment(company), check=False).returncode == -signal.SIGKILL

    await_the_dead(company)
    company.tries_cut_short = len(company.sql("select 1 from delivery_attempts"))
    company.run_until_quiet()
    in_doubt = company.sql("select 1 from video_tasks where error_message = 'SUBMIT_OUTCOME_UNKNOWN'")
    assert len(in_doubt) <= PLACES
    assert set(company.provider.journal.accepted_per_prompt().values()) == {1}
    assert len(company.receiver.journal.delivered()) == 2


def test_kill_in_the_middle_leaves_in_doubt_what_was_in_flight(company: Company) -> None:
    """Of 300 pending tasks with 4 in flight at most 4 are in doubt, and none that was never claimed is refunded."""
    batch_id = company.enqueue(
        company.customer(permanent=300), [f"{n} [sim: latency=0.02]" for n in range(300)], cost=1
    )
    worker = subprocess.Popen([sys.executable, "-m", "batchctl", "dispatch"], env=environment(company))

    def kill_when_busy(_: object) -> None:
        if len(company.provider.journal.submissions) == 60:
            worker.kill()

    company.when_asked = kill_when_busy
    worker.wait()
    company.when_asked = lambda _: None
    await_the_dead(company)

    claimed = [task for task in company.tasks(batch_id) if task.status == "processing"]
    assert len([task for task in claimed if task.grsai_task_id is None]) <= PLACES
    assert len(company.provider.journal.accepted) - len([task for task in claimed if task.grsai_task_id]) <= PLACES
    company.limit(max_start_per_batch=300, max_poll=300)
    company.run_until_quiet()
    batch = company.batch(batch_id)
    assert batch.success_count >= 300 - PLACES
    assert set(company.provider.journal.accepted_per_prompt().values()) == {1}
