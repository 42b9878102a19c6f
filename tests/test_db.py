"""The database module: what survives a lost connection, and what an error may say; races/ has what is repeated."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from batchctl.db import Database, connect
from batchctl.domain.problem import (
    ConfigProblem,
    Problem,
    RowsRejectedError,
    SchemaProblem,
    ShortageProblem,
    UnreachableProblem,
)
from batchctl.statement import EARLIEST, LATEST
from tests.conftest import Conn

QUICK = {"lock_timeout": "20ms", "deadlock_timeout": "10ms", "statement_timeout": "5s"}


@contextmanager
def database(
    dsn: str, session: dict[str, str] | None = None, sleep: Callable[[float], None] = lambda _: None
) -> Iterator[Database]:
    """Open a database whose sessions wait for nothing, and which does not sleep."""
    with closing(Database(dsn, sleep, session=QUICK if session is None else session)) as db:
        yield db


def count(tx: Conn) -> int:
    """Count the rows of the table of these tests."""
    row = tx.execute("select count(*) from numbers").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def numbers(empty_dsn: str) -> str:
    """Give the address of a database with a table of numbers, which holds 1 and 2."""
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        conn.execute("create table numbers (id int primary key, n int not null default 0 check (n >= 0), note text)")
        conn.execute("insert into numbers values (1), (2)")
    return empty_dsn


def terminate(tx: Conn) -> None:
    """Have the server end this session."""
    tx.execute("select pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize(
    ("statement", "value", "said"),
    [
        ("insert into numbers values (3, -1, %s)", "a secret", 'violates check constraint "numbers_n_check"'),
        ("insert into numbers values (1, 0, %s)", "a secret", "duplicate key value violates unique constraint"),
        ("insert into numbers values (3, null, %s)", "a secret", "violates not-null constraint"),
        ("insert into numbers (id, note) values (2147483647 + length(%s), '')", "a secret", "integer out of range"),
        ("insert into numbers values (3, 0, %s)", "a secret\0", "cannot contain NUL"),
        ("do $$ begin raise exception 'a guard speaks'; end $$", None, "a guard speaks"),
        ("do $$ declare n int; begin select 1 into strict n where false; end $$", None, "returned no rows"),
        ("do $$ declare n int; begin select id into strict n from numbers; end $$", None, "more than one row"),
        ("update numbers set n = (select id from numbers)", None, "more than one row"),
    ],
)
def test_refused_row_is_told_without_its_values(numbers: str, statement: str, value: str | None, said: str) -> None:
    """Whatever the database refuses has one name, says why, and quotes no row, not even in a traceback."""
    with database(numbers) as db:
        with pytest.raises(RowsRejectedError, match=said) as caught:
            db.transact(lambda tx: tx.execute(statement.encode(), None if value is None else [value]))
        assert "secret" not in "".join(traceback.format_exception(caught.value))
        assert db.ask(count) == 2


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("infinity", LATEST),
        ("-infinity", EARLIEST),
        ("20000-01-01 00:00:00+00", LATEST),
        ("0044-03-15 12:00:00+00 BC", EARLIEST),
        ("9999-12-31 23:59:59+00", LATEST),
        ("0001-01-01 00:00:01+00", EARLIEST),
        ("2026-02-03 04:05:06.789+00", datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_every_instant_can_be_read_and_shown(numbers: str, zone: str, written: str, read: datetime) -> None:
    """An instant that Python cannot hold is read as the nearest that has a date in every zone; others as they are."""
    with database(make_conninfo(numbers, options=f"-c TimeZone={zone}")) as db:
        row = db.ask(lambda tx: tx.execute("select %s::timestamptz, null::timestamptz", [written]).fetchone())
    assert row == (read, None)
    assert read.astimezone(timezone(timedelta(hours=14))) == read.astimezone(timezone(timedelta(hours=-12)))


def test_rows_that_cannot_be_read_are_a_problem(numbers: str) -> None:
    """A sum beyond measure in what is only read is no bug of ours: one line says what it is and what to do."""
    beyond = b"select sum(n)::int from (values (2147483647), (1)) as v (n)"
    with database(numbers) as db:
        for read in (db.ask, db.survey):
            with pytest.raises(Problem, match=r"could not read its rows \(integer out of range\): .* put it right"):
                read(lambda tx: tx.execute(beyond).fetchone())
            assert read(count) == 2


def test_function_that_writes_is_named_where_nothing_may_be_written(numbers: str) -> None:
    """A customer's function that writes while it is only asked is told as that, and not as a lost connection."""
    with psycopg.connect(numbers, autocommit=True) as conn:
        conn.execute(
            "create function noting() returns int language sql as 'insert into numbers values (9) returning id'"
        )
    with database(numbers) as db:
        with pytest.raises(Problem, match=r"wants to write \(cannot execute INSERT in a read-only") as caught:
            db.survey(lambda tx: tx.execute(b"select noting()").fetchone())
        assert not isinstance(caught.value, UnreachableProblem)
        assert db.ask(count) == 2


def test_connection_that_broke_before_the_commit_is_replaced(numbers: str) -> None:
    """After a restart or a firewall cut the connection, its transaction is undone and is repeated on a new one."""
    runs = 0

    def work(tx: Conn) -> int:
        nonlocal runs
        runs += 1
        tx.execute("insert into numbers values (3)")
        if runs == 1:
            terminate(tx)
        return count(tx)

    with database(numbers) as db:
        db.ask(count)
        assert db.transact(work) == 3
        assert runs == 2


def test_new_connection_that_breaks_is_not_replaced(numbers: str) -> None:
    """When a new connection breaks too the database is away: that is said, and the exit code is 69 (contract §6)."""
    with database(numbers) as db:
        db.ask(count)
        with pytest.raises(UnreachableProblem, match="connection to the database was lost") as caught:
            db.transact(terminate)
        assert caught.value.exit_code == 69
        assert db.transact(count) == 2


def test_question_is_asked_again_on_a_new_connection(numbers: str) -> None:
    """A read that stands alone survives the loss of an idle connection."""
    with database(numbers) as db, psycopg.connect(numbers, autocommit=True) as other:
        db.ask(count)
        other.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert db.ask(count) == 2
        with pytest.raises(UnreachableProblem):
            db.ask(terminate)


@pytest.fixture
def lost_at_commit(numbers: str) -> str:
    """Give a database in which the first commit of a row with a note ends its session when it has been written."""
    with psycopg.connect(numbers, autocommit=True) as conn:
        conn.execute("create sequence commits")
        conn.execute(
            "create function cut() returns trigger language plpgsql as $$ begin"
            " if nextval('commits') = 1 then perform pg_terminate_backend(pg_backend_pid()); end if;"
            " return null; end $$"
        )
        conn.execute(
            "create constraint trigger cut after insert on numbers deferrable initially deferred"
            " for each row when (new.note is not null) execute function cut()"
        )
    return numbers


def insert_once(tx: Conn) -> int:
    """Insert a row with a note, if it is not there."""
    return tx.execute("insert into numbers values (3, 0, 'x') on conflict do nothing").rowcount


def test_commit_of_unknown_outcome_is_not_repeated(lost_at_commit: str) -> None:
    """Whether a commit that was cut off went through nobody knows: `transact` says so and leaves it at that."""
    with database(lost_at_commit) as db:
        db.ask(count)
        with pytest.raises(UnreachableProblem):
            db.transact(insert_once)


def test_persist_repeats_a_commit_of_unknown_outcome(lost_at_commit: str) -> None:
    """What changes nothing when it is repeated is repeated until it is surely written."""
    slept: list[float] = []
    with database(lost_at_commit, sleep=slept.append) as db:
        db.persist(insert_once)
        assert db.ask(count) == 3
    assert slept == [0.2]


@pytest.mark.parametrize("patiently", [Database.persist, Database.ask_patiently])
def test_database_that_is_away_is_waited_for(
    numbers: str, pg_admin: Conn, patiently: Callable[[Database, Callable[[Conn], int]], int]
) -> None:
    """While the database lets nobody in, an answer that nobody else knows is kept and written afterwards."""
    name = conninfo_to_dict(numbers)["dbname"]
    slept: list[float] = []

    def sleep(wait_s: float) -> None:
        slept.append(wait_s)
        if len(slept) == 3:
            pg_admin.execute(f'alter database "{name}" with allow_connections true'.encode())

    with database(numbers, sleep=sleep) as db:
        db.ask(count)
        pg_admin.execute(f'alter database "{name}" with allow_connections false'.encode())
        pg_admin.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", [name])
        assert patiently(db, insert_once) == 1
    assert slept == [0.2, 0.5, 1.0]


def test_server_that_takes_no_writes_any_more_is_left(numbers: str) -> None:
    """After a failover the old primary is read-only: the connection to it counts as lost."""

    def work(tx: Conn) -> None:
        tx.execute("set transaction read only")
        tx.execute("insert into numbers values (3)")

    with database(numbers) as db, pytest.raises(UnreachableProblem, match="read-only transaction"):
        db.transact(work)


@pytest.mark.parametrize(
    ("statement", "problem", "said", "exit_code"),
    [
        ("select from no_such_table", SchemaProblem, "run `batchctl migrate`", 78),
        ("select no_such_column from numbers", SchemaProblem, "run `batchctl migrate`", 78),
        ("select no_such_function()", SchemaProblem, "run `batchctl migrate`", 78),
        ("set role pg_monitor; insert into numbers values (3)", ConfigProblem, "lacks a right", 78),
        ("set local statement_timeout = 10; select pg_sleep(5)", ShortageProblem, "due to statement timeout", 1),
        ("do $$ begin raise 'no space left' using errcode = 'disk_full'; end $$", ShortageProblem, "no space left", 1),
        ("do $$ begin raise 'no memory' using errcode = 'out_of_memory'; end $$", ShortageProblem, "no memory", 1),
    ],
)
def test_what_an_operator_can_mend_is_a_problem(
    numbers: str, statement: str, problem: type[Problem], said: str, exit_code: int
) -> None:
    """What is missing (table, column, function, right) or short (time, disk, memory) is one line with an exit code."""
    with database(numbers) as db:
        with pytest.raises(problem, match=said) as caught:
            db.transact(lambda tx: tx.execute(statement.encode()))
        assert (type(caught.value), caught.value.exit_code) == (problem, exit_code)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["postgresql://u:hush@[x", "u:hush@host", "password=hush host"])
def test_unreadable_address_keeps_its_password(address: str) -> None:
    """An address that cannot be read is a wrong setting, and is not quoted, not even in a traceback."""
    with pytest.raises(ConfigProblem, match="BATCHCTL_DATABASE_URL cannot be read") as caught:
        connect(address)
    assert "hush" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("address", ["postgresql://u:hush@127.0.0.1:1/db"])
def test_nobody_there_is_told_without_the_password(address: str) -> None:
    """Where nobody answers the exit code is 69; the message names the place and keeps the password."""
    with pytest.raises(UnreachableProblem, match=r"the database cannot be reached: .*127\.0\.0\.1.*port 1") as caught:
        connect(address)
    assert "hush" not in "".join(traceback.format_exception(caught.value))


def test_options_of_the_address_come_on_top(numbers: str) -> None:
    """Options in the address add to the session's own time limits, and of two that differ the address's counts."""
    dsn = make_conninfo(numbers, options="-c search_path=elsewhere -c statement_timeout=7s")
    with connect(dsn, {"lock_timeout": "3s", "statement_timeout": "60s"}) as conn:
        shown = [
            conn.execute(f"show {name}".encode()).fetchone()
            for name in ("search_path", "lock_timeout", "statement_timeout")
        ]
    assert shown == [("elsewhere",), ("3s",), ("7s",)]


def test_what_must_not_be_lost_outlasts_a_shortage(dsn: str) -> None:
    """A record that the database has no time for at the moment is tried again; anything else fails at once."""
    slept: list[float] = []
    with closing(Database(dsn, slept.append, session={"statement_timeout": "50ms"})) as db:

        def record(tx: Conn) -> int:
            return tx.execute("select pg_sleep(%s)", [0 if slept else 5]).rowcount

        with pytest.raises(Problem, match="statement timeout"):
            db.transact(record)
        assert slept == []
        assert db.persist(record) == 1
    assert len(slept) == 1


def test_survey_sees_one_moment(numbers: str) -> None:
    """Whatever others commit meanwhile, all reads of a survey are of the same moment, and it writes nothing."""
    with database(numbers) as db, psycopg.connect(numbers, autocommit=True) as other:

        def look(tx: Conn) -> tuple[int, int]:
            before = count(tx)
            other.execute("insert into numbers values (3)")
            return before, count(tx)

        assert db.survey(look) == (2, 2)
        assert db.ask(count) == 3
        with pytest.raises(Problem, match="read-only transaction"):
            db.survey(lambda tx: tx.execute("insert into numbers values (4)"))
        db.transact(lambda tx: tx.execute("insert into numbers values (5)"))
        assert db.ask(count) == 4


def test_survey_survives_the_loss_of_an_idle_connection(numbers: str) -> None:
    """A look begins anew on another connection where the old one was cut."""
    with database(numbers) as db, psycopg.connect(numbers, autocommit=True) as other:
        db.ask(count)
        other.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert db.survey(count) == 2


def test_who_tries_again_depends_on_who_asks(numbers: str) -> None:
    """A pass is followed by another one, which tries again; to a person no pass is promised."""
    with database(numbers) as db, psycopg.connect(numbers) as other:
        other.execute("update numbers set n = 1 where id = 1")
        with pytest.raises(Problem) as caught:
            db.transact(lambda tx: tx.execute(b"update numbers set n = 2 where id = 1"))

    busy = "the database is too busy (canceling statement due to lock timeout)"
    assert str(caught.value) == f"{busy}: try again"
    assert caught.value.in_a_pass == f"{busy}; the next pass tries again"
    assert Problem("so it is").in_a_pass == "so it is"
