"""The benchmark does its work and sees when somebody did not."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from bench.contest import CONTESTANTS, Contestant
from bench.run import run
from bench.server import Server, running
from bench.shop import BATCHCTL, BrokenBooksError, check_provider
from bench.work import Work

SMALLEST = Work(batches=2, tasks=10, places=4)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Give a server for these tests alone: the tests' own does not count statements."""
    with running(durable=False) as server:
        yield server


def contestant(title: str) -> Contestant:
    """Return who bears that title."""
    return next(one for one in CONTESTANTS if one.title == title)


def test_batchctl_does_the_work_and_is_measured(server: Server) -> None:
    """The smallest work is done by batchctl with right books, and every figure of it is there."""
    result = run(contestant("batchctl, httpx"), SMALLEST, server)
    assert result.tasks_per_s > 0
    assert result.worker_rss_mib > 1
    assert result.statements_per_task is not None
    assert result.statements_per_task > 0
    assert result.wal_bytes_per_task is not None
    assert result.wal_bytes_per_task > 100
    assert result.commits_per_task is not None
    assert result.commits_per_task > 0


def test_the_bare_loop_makes_the_same_requests() -> None:
    """The limit is measured without a database, by requests that the provider counts like everybody's."""
    result = run(contestant("bare loop, httpx"), SMALLEST, None)
    assert result.tasks_per_s > 0
    assert result.statements_per_task is None


def test_work_that_was_not_done_has_no_figures(server: Server) -> None:
    """Batches that nobody has worked on, and a provider that was asked too little, are refused."""
    with server.database("bench_idle", BATCHCTL.template) as dsn, psycopg.connect(dsn, autocommit=True) as conn:
        BATCHCTL.enqueue(conn, SMALLEST, "http://127.0.0.1:1")
        with pytest.raises(BrokenBooksError, match="a batch"):
            BATCHCTL.check(conn, SMALLEST)
    asked = {"submissions": 20, "ended": 20, "polls": 40, "webhooks": [{"batch_id": "a"}, {"batch_id": "b"}]}
    check_provider(asked, SMALLEST)
    with pytest.raises(BrokenBooksError, match="submissions"):
        check_provider(asked | {"submissions": 21}, SMALLEST)
    with pytest.raises(BrokenBooksError, match="twice"):
        check_provider(asked | {"webhooks": [{"batch_id": "a"}, {"batch_id": "b"}, {"batch_id": "b"}]}, SMALLEST)


def test_one_task_in_ten_fails() -> None:
    """In every batch as many tasks fail as the work says."""
    assert replace(SMALLEST, tasks=100).failing == 10
