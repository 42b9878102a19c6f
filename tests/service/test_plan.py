"""The plan of a migration: what it says is what the server then does; looking changes nothing and needs no right."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from batchctl.db import Database
from batchctl.domain.ddl import Lock, indexes_built, table_locks
from batchctl.domain.problem import ConfigProblem
from batchctl.service import adoption
from batchctl.service.migrate import SESSION, Migration, migrate, migrations, pending
from batchctl.service.plan import Origin, plan
from batchctl.store import history
from tests.conftest import Conn, schema_picture
from tests.legacy.leftovers import leave_behind
from tests.legacy.original import Variant, original

ALL = migrations()
NAMES = [migration.name for migration in ALL]
OUTSIDE = [at for at, migration in enumerate(ALL) if migration.runs_outside]
ORIGINS = [Origin.OWN, Origin.ADOPTED]

Seen = dict[str, tuple[Lock, bool]]
"""By table: the strongest lock that hinders anybody, and whether the table was written anew."""


def sleepless(_: float) -> None:
    """Wait for nothing."""


@contextmanager
def opened(dsn: str) -> Iterator[Database]:
    """Open a database as `migrate` does."""
    with closing(Database(dsn, sleepless, session=SESSION)) as db:
        yield db


@pytest.fixture
def db(empty_dsn: str) -> Iterator[Database]:
    """Give a database without any table."""
    with opened(empty_dsn) as db:
        yield db


@pytest.fixture
def conn(empty_dsn: str) -> Iterator[Conn]:
    """Give another connection to the same database."""
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        yield conn


def prepare(dsn: str, origin: Origin) -> None:
    """Leave a database empty, or make the original worker's in it, with rows."""
    if origin is not Origin.OWN:
        with original(dsn, Variant()) as old:
            leave_behind(old, "https://customer.example/hook")


def tables(conn: Conn) -> dict[str, int]:
    """Return the tables with the files that hold their rows."""
    rows = conn.execute(
        "select relname::text, relfilenode::int from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind = 'r'"
    ).fetchall()
    return dict(rows)


def held(conn: Conn) -> dict[str, Lock]:
    """Return the strongest lock of this transaction on each table, readers' and weaker ones left out."""
    rows = conn.execute(
        "select c.relname::text, lower(regexp_replace(l.mode, '(?<=[a-z])(?=[A-Z])', ' ', 'g')) from pg_locks as l"
        " inner join pg_class as c on c.oid = l.relation where l.pid = pg_backend_pid() and c.relkind = 'r'"
    ).fetchall()
    found: dict[str, Lock] = {}
    for table, mode in rows:
        word = mode.removesuffix(" lock")
        if word in list(Lock):
            found[table] = max(Lock(word), found.get(table, Lock(word)), key=list(Lock).index)
    return found


def applied(conn: Conn, migration: Migration) -> Seen:
    """Apply a migration and return what it did to tables that were there before."""
    before = tables(conn)
    if migration.runs_outside:
        indexes = set(index_tables(conn))
        for statement in migration.statements:
            conn.execute(statement)
        built = set(index_tables(conn)) - indexes
        return {table: (Lock.SHARE_UPDATE_EXCLUSIVE, False) for _, table in built}
    with conn.transaction():
        conn.execute(migration.text)
        locks, after = held(conn), tables(conn)
    return {
        table: (lock, before[table] != after[table])
        for table, lock in locks.items()
        if table in before and lock is not Lock.SHARE_UPDATE_EXCLUSIVE  # options of a table, which hinder nobody
    }


def index_tables(conn: Conn) -> list[tuple[str, str]]:
    """Return all indexes with their tables."""
    rows = conn.execute("select indexname::text, tablename::text from pg_indexes where schemaname = 'public'")
    return [(index, table) for index, table in rows.fetchall()]


def test_locks_are_those_that_the_server_takes(empty_dsn: str, conn: Conn) -> None:
    """Where it does most, on a database of our own or the original's, a migration does what its text says, no more."""
    seen: dict[str, list[Seen]] = {name: [] for name in NAMES}
    for origin in ORIGINS:
        conn.execute("drop schema public cascade")
        conn.execute("create schema public")
        prepare(empty_dsn, origin)
        history.create(conn)
        for migration in ALL:
            seen[migration.name].append(applied(conn, migration))

    for migration in ALL:
        told = {one.table: (one.lock, one.is_rewritten) for one in table_locks(migration.text.decode())}
        most: Seen = {}
        for table, did in [did for one in seen[migration.name] for did in one.items()]:
            most[table] = max(did, most.get(table, did), key=strength)
        assert {table: did for table, did in told.items() if table not in new_in(migration)} == most, migration.name


def strength(did: tuple[Lock, bool]) -> tuple[int, bool]:
    """Order what is done to a table by how much it hinders others."""
    return list(Lock).index(did[0]), did[1]


def new_in(migration: Migration) -> set[str]:
    """Return the tables that a migration makes where they are not there yet, and that nobody else uses before."""
    return set(re.findall(r"^create table (\w+)", migration.text.decode(), re.MULTILINE))


def test_plan_of_an_empty_database(db: Database, conn: Conn) -> None:
    """Every file is pending, in order, and hinders nobody, for nothing is there; nothing is there afterwards either."""
    report = plan(db)

    assert (report.origin, report.adoption) == (Origin.EMPTY, None)
    assert [one.name for one in report.pending] == NAMES
    assert [one.name for one in report.pending if not one.in_transaction] == [NAMES[at] for at in OUTSIDE]
    assert [one.name for one in report.pending if one.tables or one.unfinished or not one.purpose.endswith(".")] == []
    assert tables(conn) == {}


@pytest.mark.parametrize("version", [1, 3, len(ALL)])
def test_plan_of_our_own_database(db: Database, empty_dsn: str, version: int) -> None:
    """What is pending there is told and stays pending."""
    migrate(db, sleepless, ALL[:version])
    picture = schema_picture(empty_dsn)

    report = plan(db)

    assert (report.origin, report.adoption) == (Origin.OWN, None)
    assert [one.name for one in report.pending] == NAMES[version:]
    assert pending(db) == ALL[version:]
    assert schema_picture(empty_dsn) == picture


def test_plan_of_the_originals_database(db: Database, conn: Conn, empty_dsn: str) -> None:
    """Before it is adopted the plan says what is locked, and how large that is; then how the adoption stands."""
    prepare(empty_dsn, Origin.ORIGINAL)
    before = plan(db)
    conn.execute("analyze")
    counted = plan(db)
    migrate(db, sleepless)
    adopted = plan(db)
    adoption.apply(db, sleepless)
    gone = plan(db)

    assert [one.origin for one in (before, counted, adopted, gone)] == [
        *(Origin.ORIGINAL, Origin.ORIGINAL, Origin.ADOPTED, Origin.APPLIED)
    ]
    batches, tasks = before.pending[0].tables
    assert (batches.name, batches.lock, batches.is_rewritten) == ("batch_jobs", Lock.ACCESS_EXCLUSIVE, True)
    assert (tasks.name, tasks.lock, tasks.is_rewritten) == ("video_tasks", Lock.ACCESS_EXCLUSIVE, False)
    assert (batches.row_count, batches.size_bytes > 0) == (None, True)
    rows = conn.execute("select (select count(*) from batch_jobs), (select count(*) from video_tasks)").fetchall()
    assert [tuple(table.row_count for table in counted.pending[0].tables)] == rows
    assert adopted.adoption is not None
    assert adopted.adoption.applied_at is None
    assert gone.adoption is not None
    assert gone.adoption.applied_at is not None
    assert gone.pending == ()


def test_row_counts_need_no_reader(db: Database, empty_dsn: str, pg_admin: Conn) -> None:
    """A role without a single right plans for an empty database and for the original's."""
    with stranger(pg_admin) as role:
        dsn = make_conninfo(empty_dsn, options=f"-c role={role}")
        with opened(dsn) as theirs:
            assert plan(theirs) == plan(db)
            prepare(empty_dsn, Origin.ORIGINAL)
            assert plan(theirs) == plan(db)
            assert plan(theirs).origin is Origin.ORIGINAL


def test_reading_two_tables_is_enough(db: Database, conn: Conn, empty_dsn: str, pg_admin: Conn) -> None:
    """On a database under batchctl a role may plan that reads what was applied and how adoption stands."""
    migrate(db, sleepless, ALL[:4])
    with stranger(pg_admin) as role, opened(make_conninfo(empty_dsn, options=f"-c role={role}")) as theirs:
        with pytest.raises(ConfigProblem, match="the database role lacks a right"):
            plan(theirs)
        conn.execute(sql.SQL("grant select on batchctl_migrations, adoption to {}").format(sql.Identifier(role)))
        assert plan(theirs) == plan(db)
        conn.execute(sql.SQL("drop owned by {}").format(sql.Identifier(role)))


@contextmanager
def stranger(admin: Conn) -> Iterator[str]:
    """Make a role without any right, and drop it."""
    name = f"batchctl_test_{uuid4().hex[:8]}"
    admin.execute(sql.SQL("create role {}").format(sql.Identifier(name)))
    try:
        yield name
    finally:
        admin.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def test_plan_writes_nothing(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server itself refuses whatever a plan would write."""

    def find_and_write(tx: Conn, _: Sequence[str]) -> list[str]:
        history.create(tx)
        return []

    monkeypatch.setattr(history, "find_unfinished", find_and_write)

    with pytest.raises(Exception, match="read-only transaction"):
        plan(db)


def test_edited_file_is_named(db: Database) -> None:
    """A plan that begins with a lie is none: a file edited after it was applied is refused as by `migrate`."""
    migrate(db, sleepless, ALL[:2])
    edited = [Migration(number=1, name=ALL[0].name, text=ALL[0].text + b"--"), *ALL[1:]]

    with pytest.raises(ConfigProblem, match=f"migration {NAMES[0]} was edited after it was applied"):
        plan(db, edited)


def test_schema_is_the_one_that_migrate_takes(db: Database, conn: Conn, empty_dsn: str) -> None:
    """Tables in another schema of the path are not those that a migration meets; without a schema there is no plan."""
    migrate(db, sleepless)
    conn.execute("create schema shop")

    with opened(make_conninfo(empty_dsn, options="-c search_path=shop,public")) as shop:
        assert plan(shop).origin is Origin.EMPTY
    with (
        opened(make_conninfo(empty_dsn, options="-c search_path=nowhere")) as nowhere,
        pytest.raises(ConfigProblem, match="set search_path"),
    ):
        plan(nowhere)


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("at", OUTSIDE, ids=[NAMES[at] for at in OUTSIDE])
def test_indexes_of_a_killed_build_are_found_and_built_anew(
    db: Database, conn: Conn, empty_dsn: str, at: int, origin: Origin
) -> None:
    """What a build that was killed has left behind stands in the plan, and the next run builds it; no other goes."""
    prepare(empty_dsn, origin)
    migrate(db, sleepless, ALL[:at])
    there = dict(index_tables(conn))
    on = dict(re.findall(r"index concurrently if not exists (\w+)\s+on (\w+)", ALL[at].text.decode()))
    assert list(on) == indexes_built(ALL[at].text.decode())
    names = sorted(set(on) - set(there))
    for name in names:
        leave_unfinished(conn, name, on[name])
    leave_unfinished(conn, "of_somebody_else", "batch_jobs")

    planned = plan(db).pending[0]
    assert (planned.name, planned.unfinished) == (NAMES[at], tuple(names))
    migrate(db, sleepless)

    rows = conn.execute(
        "select c.relname::text, i.indisvalid and i.indexprs is null from pg_index as i"
        " inner join pg_class as c on c.oid = i.indexrelid where c.relname = any(%s)",
        [[*names, "of_somebody_else"]],
    ).fetchall()
    assert dict(rows) == dict.fromkeys(names, True) | {"of_somebody_else": False}
    assert plan(db).pending == ()


def leave_unfinished(conn: Conn, index: str, table: str) -> None:
    """Leave an index as a build does that is killed; one that nobody could take for the right one."""
    conn.execute(f"create index {index} on {table} ((1))".encode())
    conn.execute("update pg_index set indisvalid = false where indexrelid = %s::regclass", [index])
