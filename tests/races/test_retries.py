"""Transactions that lose against others are repeated as a whole, and take effect once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from batchctl.db import Database
from batchctl.domain.problem import Problem
from batchctl.statement import Conn
from tests.conftest import Conn as TestConn
from tests.scenario import MovableClock

LOCK = "select amount from purse where id = %s for update"
TAKE = "update purse set amount = amount - 1 where id = %s"


@pytest.fixture(autouse=True)
def purses(db_connection: TestConn) -> None:
    """Make two purses with ten coins each."""
    db_connection.execute("create table purse (id int primary key, amount int not null)")
    db_connection.execute("insert into purse values (1, 10), (2, 10)")


def amounts(connection: TestConn) -> list[int]:
    """Return what is in the purses."""
    return [row[0] for row in connection.execute("select amount from purse order by id")]


def test_deadlock_is_repeated_as_a_whole(dsn: str, db_connection: TestConn) -> None:
    """Two transactions that lock the same rows in opposite order both commit; the one that lost began anew."""
    session = {"deadlock_timeout": "10ms"}
    both_have_one = threading.Barrier(2, timeout=10)
    tries: list[int] = []

    def crosswise(first: int, second: int) -> Callable[[Conn], None]:
        tried: list[int] = []

        def work(tx: Conn) -> None:
            tries.append(first)
            tried.append(first)
            tx.execute(LOCK, [first])
            if len(tried) == 1:
                both_have_one.wait()
            tx.execute(LOCK, [second])
            tx.execute(TAKE, [first])
            tx.execute(TAKE, [second])

        return work

    sleep = MovableClock().sleep
    with (
        closing(Database(dsn, sleep, session=session)) as one,
        closing(Database(dsn, sleep, session=session)) as other,
        ThreadPoolExecutor(2) as threads,
    ):
        running = [threads.submit(one.transact, crosswise(1, 2)), threads.submit(other.transact, crosswise(2, 1))]
        for future in running:
            future.result(10)
    assert len(tries) >= 3  # the loser may be quick enough to lose once more
    assert amounts(db_connection) == [8, 8]


def test_serialization_failure_is_repeated_as_a_whole(dsn: str, db_connection: TestConn) -> None:
    """A transaction whose snapshot became stale begins anew with a fresh one."""
    seen: list[int] = []

    def take_half(tx: Conn) -> None:
        (amount,) = tx.execute("select amount from purse where id = 1").fetchall()[0]
        if not seen:
            db_connection.execute("update purse set amount = 6 where id = 1")
        seen.append(amount)
        tx.execute("update purse set amount = %s where id = 1", [amount // 2])

    session = {"default_transaction_isolation": "repeatable\\ read"}
    with closing(Database(dsn, MovableClock().sleep, session=session)) as db:
        db.transact(take_half)
    assert seen == [10, 6]
    assert amounts(db_connection) == [3, 10]


def test_lock_that_is_held_too_long_is_left_to_the_next_pass(dsn: str, db_connection: TestConn) -> None:
    """A transaction waits for a lock once, and says then that the next pass has to do it; nothing is half done."""
    tries: list[int] = []
    session = {"lock_timeout": "5ms"}
    with closing(Database(dsn, MovableClock().sleep, session=session)) as db, psycopg.connect(dsn) as holder:
        holder.execute(LOCK, [1])

        def take(tx: Conn) -> None:
            tries.append(1)
            tx.execute(TAKE, [1])

        with pytest.raises(Problem, match="lock timeout"):
            db.transact(take)
        assert len(tries) == 1
        assert amounts(db_connection) == [10, 10]
        holder.rollback()
        db.transact(take)
    assert amounts(db_connection) == [9, 10]
