"""The application around the contestants: what is enqueued before a run, and whether the books are right after it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from batchctl.domain.limits import Limits
from batchctl.service import audit
from batchctl.wiring import local_clock
from bench.server import TEMPLATE
from bench.work import CUSTOMERS, PRICE, Work

_SQL = Path(__file__).parent / "contestants/sql"
_CREDITS = 1_000_000

Conn = psycopg.Connection[Any]


class BrokenBooksError(Exception):
    """A contestant did not do the work, so its figures mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The tables of one kind of contestant."""

    template: str
    enqueue: Callable[[Conn, Work, str], None]
    check: Callable[[Conn, Work], None]


def _enqueue_for_peers(conn: Conn, work: Work, _provider_url: str) -> None:
    cursor = psycopg.RawCursor(conn)
    cursor.execute((_SQL / "schema.sql").read_bytes())
    prompts = [work.prompt(index) for index in range(work.tasks)]
    cursor.execute((_SQL / "enqueue.sql").read_bytes(), [work.batches, work.tasks, PRICE, CUSTOMERS, prompts])


def _check_peers(conn: Conn, work: Work) -> None:
    refund = work.failing * PRICE
    expected = [work.tasks, 0, work.tasks - work.failing, work.failing, (work.tasks - work.failing) * PRICE, True]
    for row in conn.execute(
        "select total_count, open_count, success_count, failed_count, credits_spent, announced_at is not null"
        " from batches order by id"
    ):
        _expect("a batch", list(row), expected)
    _expect_one(
        conn,
        "tasks with a result",
        "select count(*) from tasks where remote_id is not null"
        " and case status when 'succeeded' then video_url is not null when 'failed' then error is not null end",
        work.total,
    )
    _expect_one(
        conn,
        "refunds",
        "select coalesce(sum(credits_delta), 0) from ledger where type = 'refund'",
        refund * work.batches,
    )
    _expect_one(
        conn,
        "customers whose wallet is not their ledger",
        "select count(*) from wallets as w where w.credits - 1000000 <> (select coalesce(sum(l.credits_delta), 0)"
        " from ledger as l where l.user_id = w.user_id and l.type = 'refund')",
        0,
    )


def _enqueue_for_batchctl(conn: Conn, work: Work, provider_url: str) -> None:
    params = {
        "batches": work.batches,
        "tasks": work.tasks,
        "price": PRICE,
        "customers": CUSTOMERS,
        "webhook_url": f"{provider_url}/hook",
        "prompts": [work.prompt(index) for index in range(work.tasks)],
    }
    conn.execute((_SQL / "batchctl_enqueue.sql").read_bytes(), params)
    conn.execute((_SQL / "batchctl_tasks.sql").read_bytes(), params)


def _check_batchctl(conn: Conn, work: Work) -> None:
    report = audit.look(
        conn,
        audit.checks().checks,
        since=None,
        now=local_clock(),
        max_poll_count=Limits().max_poll_count,
        offender_limit=3,
    )
    _expect("what the audit found", [str(check) for check in report.broken], [])
    spent = (work.tasks - work.failing) * PRICE
    expected = [work.tasks, work.tasks - work.failing, work.failing, spent, "sent"]
    for row in conn.execute(
        "select total_count, success_count, failed_count, credits_spent, webhook_status from batch_jobs order by id"
    ):
        _expect("a batch", list(row), expected)
    _expect_one(conn, "polls recorded", "select sum(poll_count) from video_tasks", 2 * work.total)
    _expect_one(
        conn,
        "credits left",
        "select sum(permanent_credits) from credit_wallet",
        CUSTOMERS * _CREDITS - spent * work.batches,
    )


def _expect_one(conn: Conn, what: str, query: str, expected: int) -> None:
    row = conn.execute(query.encode()).fetchone()
    _expect(what, int((row or [0])[0]), expected)


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise BrokenBooksError(f"{what}: {found}, should be {expected}")


def check_provider(report: dict[str, Any], work: Work) -> None:
    """Hold what the provider was asked against the work; BrokenBooksError when it is not the same."""
    _expect("submissions", report["submissions"], work.total)
    _expect("tasks that ended", report["ended"], work.total)
    _expect("polls", report["polls"], 2 * work.total)
    _expect("webhooks", len({str(event["batch_id"]) for event in report["webhooks"]}), work.batches)
    _expect("webhooks sent twice", len(report["webhooks"]) - work.batches, 0)


PEERS = Shop(template="template1", enqueue=_enqueue_for_peers, check=_check_peers)
BATCHCTL = Shop(template=TEMPLATE, enqueue=_enqueue_for_batchctl, check=_check_batchctl)
