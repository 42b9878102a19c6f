"""Behind a pooler in transaction mode each transaction may be another session's, and all must hold none the less."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from batchctl.db import Database, is_pooled
from batchctl.domain.problem import ConfigProblem
from batchctl.service.migrate import SESSION, migrate
from tests.conftest import Conn
from tests.pooler import pooler
from tests.scenario import at_work

LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
SHOW_LIMITS = "select " + ", ".join(f"current_setting('{name}')" for name in LIMITS)

pytestmark = pytest.mark.skipif(
    shutil.which("pgbouncer", path="/usr/bin:/usr/sbin:/usr/local/bin") is None, reason="PgBouncer is not installed"
)


@pytest.fixture(params=["", "options"], ids=["that refuses options", "that ignores options"])
def pooled(request: pytest.FixtureRequest, pg_server: SimpleNamespace, dsn: str) -> Iterator[str]:
    """Give the address of this test's database behind a pooler."""
    server = make_conninfo(host=pg_server.host, port=pg_server.port, user=pg_server.user)
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        with pooler(server, Path(name), ignored=request.param) as port:
            yield make_conninfo(dsn, host="127.0.0.1", port=port)


def limits(tx: Conn) -> tuple[str, ...]:
    """Return the time limits that hold for a statement."""
    row = tx.execute(SHOW_LIMITS.encode()).fetchone()
    assert row is not None
    return row


def test_time_limits_hold_in_each_transaction_and_leave_with_it(pooled: str) -> None:
    """What is set for one client's transaction is neither missing in its next one nor left to other clients."""
    with closing(Database(pooled, lambda _: None)) as db, psycopg.connect(pooled, autocommit=True) as other:
        for _ in range(3):
            assert db.transact(limits) == ("1min", "5s", "1min")
            assert db.ask(limits) == ("1min", "5s", "1min")
            assert db.survey(limits) == ("1min", "5s", "1min")
            assert limits(other) == ("0", "0", "0")
        with db.aside() as aside:
            assert limits(aside) == ("1min", "5s", "0")


def test_statements_go_wherever_the_pooler_leads_them(pooled: str) -> None:
    """The same statement is run over and over by several clients, whose transactions share the server's sessions."""
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(Database(pooled, lambda _: None))) for _ in range(4)]
        for _ in range(10):
            for client in clients:
                assert client.transact(lambda tx: tx.execute("select %s::int", [7]).fetchone()) == (7,)
                assert client.ask(lambda tx: tx.execute("select %s::int", [8]).fetchone()) == (8,)


def test_direct_connection_is_known_as_such(dsn: str) -> None:
    """Nothing is given up where no pooler stands between."""
    with closing(Database(dsn, lambda _: None)) as db:
        assert not db.ask(is_pooled)
        assert db.ask(limits) == ("1min", "5s", "1min")


def test_migration_asks_for_a_direct_connection(pooled: str, empty_dsn: str) -> None:
    """Its lock belongs to a session, so behind a pooler nothing is begun."""
    name = conninfo_to_dict(empty_dsn)["dbname"]
    with closing(Database(make_conninfo(pooled, dbname=name), lambda _: None, session=SESSION)) as db:
        with pytest.raises(ConfigProblem, match="needs a direct connection"):
            migrate(db, lambda _: None)
        assert db.ask(
            lambda tx: tx.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
        ) == (0,)


def test_batches_are_worked_off(pooled: str) -> None:
    """Two workers bring paid, refused and failing batches to their ends; the books are checked when that is done."""
    with at_work(pooled) as company, company.other_worker() as other:
        company.conn.prepare_threshold = None
        for number in range(4):
            company.enqueue(company.customer(permanent=30), [f"{number} {n} [sim: polls=2]" for n in range(3)])
        company.enqueue(company.customer(bonus=30), [f"failing {n} [sim: fail=error]" for n in range(3)])
        company.enqueue(company.customer(), 1)
        mine = company.world
        while company.is_open():
            for world in (mine, other):
                company.world = world
                company.run_pass()
            company.clock.advance(6)
        company.world = mine
        ends = company.sql("select status, count(*)::int as n from batch_jobs group by status order by status")
        assert [tuple(end) for end in ends] == [("completed", 4), ("failed", 2)]
