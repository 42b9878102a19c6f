"""How the statements of a pass find their rows: by index, at a cost that does not grow with what has ended."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from batchctl.service import endpoint
from batchctl.statement import Conn, Statement
from tests.scenario import Company

HISTORY = Path(__file__).parent / "history.sql"
KEEP_FOR_EVER = {
    "batch_jobs",
    "video_tasks",
    "credit_ledger",
    "webhook_deliveries",
    "delivery_attempts",
    "batch_requests",
    "late_results",
    "credit_wallet",
    "webhook_endpoints",
    "webhook_secrets",
}
"""Tables of which no row is ever deleted."""
OF_A_PASS = {
    *("adoption/find", "adoption/resolve", "batches/find_claimable", "batches/find_malformed"),
    *("batches/find_settleable", "batches/find_startable", "batches/freeze", "batches/refuse", "batches/settle"),
    *("deliveries/claim", "deliveries/find_due", "deliveries/insert", "deliveries/record", "deliveries/set_aside"),
    *("deliveries/release", "endpoints/find_signers", "endpoints/note_failures", "endpoints/note_success"),
    *("late/claim", "late/record", "late/watch"),
    *(
        "ledger/insert",
        "pauses/find",
        "runs/insert",
        "tasks/claim_polls",
        "tasks/count_in_flight",
        "tasks/expire_polled",
    ),
    *("tasks/find_expired", "tasks/find_pollable"),
    *("tasks/fail_unsent", "tasks/find_orphans", "tasks/find_overdue", "tasks/find_startable", "tasks/find_unclosed"),
    *("tasks/record_polls", "tasks/record_submissions", "tasks/start", "wallets/lock", "wallets/move"),
}
"""Statements that the work of these tests must have run."""
FEW, MANY = 300, 3_000
"""Ended batches of ten tasks each."""
GROWTH_BUFFERS = 120
"""A tree of an index may get one level deeper, and a write goes down up to six trees for each of some twenty rows."""

Node = dict[str, Any]


class Plans:
    """The plans of all statements that ran."""

    def __init__(self) -> None:
        """Start with none."""
        self.buffers: defaultdict[str, int] = defaultdict(int)
        """The most pages that a statement touched, by its name."""
        self.scanned: set[tuple[str, str]] = set()
        """Tables of which a statement read every row."""

    def add(self, name: str, plan: Node) -> None:
        """Take note of a plan."""
        touched = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        self.buffers[name] = max(self.buffers[name], touched)
        self.scanned |= {(name, node["Relation Name"]) for node in nodes(plan) if node["Node Type"] == "Seq Scan"}


def nodes(plan: Node) -> Iterator[Node]:
    """Yield all nodes of a plan."""
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


@contextmanager
def explained(patch: pytest.MonkeyPatch) -> Iterator[Plans]:
    """Have the server explain each statement before it is run, by running it once and undoing that."""
    plans = Plans()
    run, run_all = Statement[Any].run, Statement[Any].all

    def explain(statement: Statement[Any], tx: Conn, params: dict[str, object]) -> None:
        with tx.transaction(force_rollback=True), tx.cursor() as cursor:
            cursor.execute(b"explain (analyze, buffers, format json) " + statement.text, params)
            ((((told),),),) = [cursor.fetchall()]
            plans.add(statement.name, told[0]["Plan"])

    def explain_all(self: Statement[Any], tx: Conn, /, **params: object) -> list[Any]:
        explain(self, tx, params)
        return run_all(self, tx, **params)

    def explain_run(self: Statement[Any], tx: Conn, /, **params: object) -> int:
        explain(self, tx, params)
        return run(self, tx, **params)

    with patch.context() as patched:
        patched.setattr(Statement, "all", explain_all)
        patched.setattr(Statement, "run", explain_run)
        yield plans


def add_history(company: Company, batches: int) -> None:
    """Add batches that ended long ago."""
    company.sql("select set_config('test.batches', %s, false)", str(batches))
    company.conn.execute(HISTORY.read_bytes())


def busy(company: Company) -> None:
    """Make work of every kind, and pass over it until all of it has ended."""
    rich, poor = company.customer(permanent=10_000, bonus=100), company.customer(permanent=5)
    for _ in range(3):
        company.enqueue(rich, ["a [sim: polls=2]", "b [sim: fail=error]", "c [sim: submit=503 submit_times=1]"])
    company.enqueue(poor, 2)
    company.enqueue(rich, 1, total=0)
    doubtful = company.enqueue(rich, 2)
    endless = company.enqueue(rich, ["d [sim: never]"])
    unpaid = company.enqueue(rich, 1, total=2)
    company.enqueue(poor, 1, webhook=f"/{poor}?sim=500&times=1")
    shut = company.enqueue(poor, 1, webhook="/shut")
    ((endpoint_id,),) = company.sql(
        "insert into webhook_endpoints (user_id, url, disabled_at, disabled_reason)"
        " select user_id, webhook_url, %s, 'x' from batch_jobs where id = %s returning id",
        *(company.clock.now, shut),
    )
    company.limit(max_claim=20, max_in_flight=50)
    company.sql("update batch_jobs set status = 'processing' where id = %s", unpaid)
    company.run_pass()
    company.sql(
        "update video_tasks set grsai_task_id = null, claimed_at = %s where batch_job_id = %s",
        company.clock.now,
        doubtful,
    )
    company.sql("update video_tasks set poll_count = 20 where batch_job_id = %s", endless)
    company.clock.advance(400)
    company.run_pass()
    endpoint.enable(company.world, endpoint_id)
    company.run_until_quiet(step_s=700)


@pytest.mark.parametrize("statistics", ["of the rows", "of empty tables"])
def test_cost_does_not_grow_with_history(company: Company, monkeypatch: pytest.MonkeyPatch, statistics: str) -> None:
    """With ten times as much history each statement of a pass touches as many pages as before, and reads no table."""
    for table in KEEP_FOR_EVER:
        company.sql(f"alter table {table} set (autovacuum_enabled = off)")
    company.sql("analyze")
    costs: list[dict[str, int]] = []
    for batches in (FEW, MANY):
        add_history(company, batches)
        if statistics == "of the rows":
            company.sql("analyze")
        with explained(monkeypatch) as plans:
            busy(company)
        costs.append(plans.buffers)
        assert OF_A_PASS - set(plans.buffers) == set()
    forget(company)

    few, many = costs
    assert {(name, table) for name, table in plans.scanned if table in KEEP_FOR_EVER} == set()
    assert {name: (few[name], cost) for name, cost in many.items() if cost > few[name] + GROWTH_BUFFERS} == {}


def forget(company: Company) -> None:
    """Take all rows away: no worker made them, so the books of this scenario cannot be checked."""
    company.sql("set session_replication_role = replica")
    company.sql(f"truncate {', '.join(sorted(KEEP_FOR_EVER))} cascade")
    company.sql("reset session_replication_role")
