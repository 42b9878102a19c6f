"""Several worker processes at work on batches that chance made."""

import signal
import time
from collections.abc import Callable, Sequence
from random import Random
from threading import Event

from tests.faults.ground import Ground
from tests.faults.workers import Worker
from tests.scenario import Company

END_S = 60.0
"""A crew has done its work long before."""
LOOK_S = 0.01


def start_busy(ground: Ground, company: Company) -> Worker:
    """Start a worker that runs pass after pass."""
    settings = {"BATCH_POLL_BACKOFF_SECONDS": "0,0,0", "BATCH_WORKER_MAX_POLL": "1000"}
    return ground.start(company, "run-once", "--for", str(END_S), **settings)


def await_first_passes(company: Company, crew: Sequence[Worker]) -> None:
    """Wait until all workers have looked at the schema, which they do but once.

    One that loses the database there ends with 69 (contract §6); afterwards it goes on.
    """
    await_so(lambda: _count_at_work(company) >= len(crew), END_S, crew)


def _count_at_work(company: Company) -> int:
    (row,) = company.sql(
        "select count(*) as n from pg_stat_activity where datname = current_database()"
        " and application_name = 'batchctl' and query ~ 'clock_timestamp|batch_jobs|video_tasks|BEGIN|COMMIT'"
    )
    return int(row.n)


def enqueue_at_random(company: Company, chance: Random, tasks: int) -> None:
    """Enqueue so many tasks in batches of any size, paid from any bucket, of which some fail."""
    left = tasks
    while left > 0:
        size = min(left, chance.randint(1, 40))
        user_id = company.customer(permanent=chance.randint(0, 10 * size), bonus=10 * size)
        words = [f"latency={chance.choice(('0', '0.005', '0.03'))} polls={chance.randint(1, 3)}" for _ in range(size)]
        words = [f"{text} fail=error" if chance.random() < 0.2 else text for text in words]
        company.enqueue(user_id, [f"clip {n} of {user_id} [sim: {text}]" for n, text in enumerate(words)])
        left -= size


def stop(crew: Sequence[Worker]) -> None:
    """Tell workers to stop; each must end as one that was told so."""
    for worker in crew:
        worker.signal(signal.SIGTERM)
    codes = [worker.wait() for worker in crew]
    assert codes == [143] * len(crew), [worker.said.read_text() for worker in crew]


def await_so(is_so: Callable[[], bool], limit_s: float, crew: Sequence[Worker]) -> None:
    """Wait until something is so; AssertionError, with what the workers said, when that takes too long."""
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, [f"not within {limit_s} s", *(worker.said.read_text() for worker in crew)]
        Event().wait(LOOK_S)


def end_sessions(company: Company) -> None:
    """End the sessions that dead workers left, and wait until their transactions are undone."""
    others = "from pg_stat_activity where datname = current_database() and application_name = 'batchctl'"
    company.sql(f"select pg_terminate_backend(pid) {others}")
    await_so(lambda: not company.sql(f"select pid {others}"), END_S, [])
