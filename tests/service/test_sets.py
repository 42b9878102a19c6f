"""Writes by sets: one row that the database rejects stops nobody else."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from uuid import UUID

import pytest

from batchctl.db import Database
from batchctl.domain.problem import RowsRejectedError
from batchctl.service import sets
from batchctl.service.poll import poll
from batchctl.service.sets import take_all, write_all
from batchctl.service.world import start_pass
from batchctl.statement import Conn
from tests.conftest import Conn as TestConn
from tests.scenario import Company, MovableClock

UNLUCKY = 13


@pytest.fixture
def db(dsn: str, db_connection: TestConn) -> Iterator[Database]:
    """Give a database with a table of numbers, of which the database rejects 13, once it is done."""
    db_connection.execute(
        "create table number (id uuid primary key, n int not null, done boolean not null default false, held text,"
        " constraint unlucky check (n <> 13 or not done))"
    )
    with closing(Database(dsn, MovableClock().sleep)) as database:
        yield database


def fill(connection: TestConn, *numbers: int) -> None:
    """Insert numbers, each under an id that tells it."""
    for number in numbers:
        connection.execute("insert into number (id, n) values (%s, %s)", [UUID(int=number), number])


def finish(tx: Conn, numbers: Sequence[int]) -> int:
    """Mark numbers as done, in one statement."""
    return tx.execute("update number set done = true where n = any(%s)", [list(numbers)]).rowcount


def done(connection: TestConn) -> list[int]:
    """Return the numbers that are done."""
    return [row[0] for row in connection.execute("select n from number where done order by n")]


class Taking:
    """Work for `take_all`: finds the lowest open numbers and marks them as done."""

    def __init__(self) -> None:
        """Start with nothing held."""
        self.limits: list[int] = []

    def __call__(self, tx: Conn, limit: int, seen: list[UUID]) -> list[int]:
        """Find and finish."""
        self.limits.append(limit)
        rows = tx.execute(
            "select id, n from number where not done and held is null order by n limit %s for update", [limit]
        ).fetchall()
        seen[:] = [row[0] for row in rows]
        numbers = [row[1] for row in rows]
        finish(tx, numbers)
        return numbers


def hold(tx: Conn, offenders: Sequence[tuple[UUID, str]]) -> None:
    """Put numbers on hold."""
    for row_id, reason in offenders:
        tx.execute("update number set held = %s where id = %s", [reason, row_id])


def test_set_is_written_at_once(db: Database, db_connection: TestConn) -> None:
    """Without an offender there is one write for all items."""
    fill(db_connection, 1, 2, 3)
    written = write_all(db, [1, 2, 3], finish)
    assert (written.results, written.rejected) == ([3], [])
    assert done(db_connection) == [1, 2, 3]


def test_offender_is_named_and_the_others_are_written(db: Database, db_connection: TestConn) -> None:
    """When the set is rejected each item is written by itself; the offender comes back with what the database said."""
    fill(db_connection, 1, UNLUCKY, 3)
    written = write_all(db, [1, UNLUCKY, 3], finish)
    assert written.results == [1, 1]
    ((item, reason),) = written.rejected
    assert item == UNLUCKY
    assert "unlucky" in reason
    assert done(db_connection) == [1, 3]


def test_single_offender_is_tried_once(db: Database, db_connection: TestConn) -> None:
    """A set of one offender is not written a second time."""
    fill(db_connection, UNLUCKY)
    tries: list[Sequence[int]] = []

    def write(tx: Conn, numbers: Sequence[int]) -> int:
        tries.append(numbers)
        return finish(tx, numbers)

    assert [item for item, _ in write_all(db, [UNLUCKY], write).rejected] == [UNLUCKY]
    assert tries == [[UNLUCKY]]


def test_value_that_cannot_be_sent_is_an_offender_too(db: Database, db_connection: TestConn) -> None:
    """A number beyond the column's type is rejected like a row that breaks a rule; the others are written."""
    fill(db_connection, 1, 2)

    def write(tx: Conn, numbers: Sequence[int]) -> int:
        return tx.execute("update number set done = true where n = any(%s::int[])", [list(numbers)]).rowcount

    written = write_all(db, [1, 2**31, 2], write)
    assert [item for item, _ in written.rejected] == [2**31]
    assert done(db_connection) == [1, 2]


def test_all_is_taken_at_once(db: Database, db_connection: TestConn) -> None:
    """Without an offender the work runs once."""
    fill(db_connection, 1, 2, 3)
    taking = Taking()
    taken = take_all(db, 2, taking, hold)
    assert (taken.results, taken.rejected, taking.limits) == ([[1, 2]], [], [2])


def test_offender_goes_on_hold_and_the_others_are_taken(db: Database, db_connection: TestConn) -> None:
    """Row by row, an offender is held with its reason at once, so that the next look finds the next row."""
    fill(db_connection, 1, UNLUCKY, 14, 15)
    taking = Taking()
    taken = take_all(db, 3, taking, hold)
    assert taken.results == [[1], [14]]
    ((row_id, reason),) = taken.rejected
    assert row_id == UUID(int=UNLUCKY)
    assert taking.limits == [3, 1, 1, 1]
    assert done(db_connection) == [1, 14]
    (held,) = db_connection.execute("select held from number where n = 13").fetchall()
    assert held == (reason,)


def test_rejection_before_any_row_is_found_is_raised(db: Database) -> None:
    """A search that is itself rejected names no offender, and must not pass for a pass without work."""

    def find(tx: Conn, _limit: int, seen: list[UUID]) -> None:
        tx.execute("select 'no number'::int")
        seen.append(UUID(int=1))

    with pytest.raises(RowsRejectedError, match="no number"):
        take_all(db, 5, find, hold)


def test_batch_that_cannot_even_be_held_stops_nobody(company: Company) -> None:
    """A stage that may settle one batch a pass settles the next one, where the oldest lets nothing be written."""
    batches = [company.enqueue(company.customer(permanent=10), 1) for _ in range(3)]
    company.run_pass()
    company.clock.advance(5)
    poll(company.world, start_pass(company.world, None))
    refusal = "alter table batch_jobs add constraint no_poison check (id <> '{}') not valid"
    company.sql(refusal.format(batches[0]))
    company.limit(max_settle=1)

    reports = [company.run_pass() for _ in range(2)]

    assert [company.batch(batch_id).status for batch_id in batches] == ["processing", "completed", "completed"]
    for report in reports:
        (finding,) = report.settle.findings
        assert str(batches[0]) in finding.message
        assert finding.message.count("no_poison") == 2
    company.sql("alter table batch_jobs drop constraint no_poison")
    assert company.run_pass().settle.settled == 1


def test_rule_that_refuses_everything_ends_the_search(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """When no row lets anything be written it is not the rows: after some of them nothing more is searched for."""
    monkeypatch.setattr(sets, "IN_THE_WAY_AT_ONCE", 2)
    company.limit(max_claim=1)
    batches = [company.enqueue(company.customer(permanent=10), 1) for _ in range(6)]
    company.sql("alter table batch_jobs add constraint nothing check (created_at is null) not valid")

    report = company.run_pass()

    assert {company.batch(batch_id).status for batch_id in batches} == {"queued"}
    assert len(report.dispatch.findings) == 3
    company.sql("alter table batch_jobs drop constraint nothing")
