"""The migrations: from nothing, from each of their own versions, in the way of others, and after an interruption."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from batchctl.db import Database
from batchctl.domain.problem import ConfigProblem, Problem
from batchctl.service.migrate import MigrateReport, Migration, migrate, migrations, need_migrated, pending
from batchctl.statement import sql_dir
from tests.conftest import Conn, schema_picture

ALL = migrations()
NAMES = tuple(migration.name for migration in ALL)
QUICK = {"lock_timeout": "20ms", "statement_timeout": "20s"}


@contextmanager
def database(dsn: str) -> Iterator[Database]:
    """Open a database whose sessions hardly wait for locks."""
    with closing(Database(dsn, sleepless, session=QUICK)) as db:
        yield db


def sleepless(_: float) -> None:
    """Wait for nothing."""


def impatient(known: Sequence[Migration]) -> list[Migration]:
    """Return migrations of which none waits for others longer than the session does."""
    return [replace(one, text=one.text.replace(b"set lock_timeout = '1min';\n\n", b"")) for one in known]


@pytest.fixture
def db(empty_dsn: str) -> Iterator[Database]:
    """Give a database without any table."""
    with database(empty_dsn) as db:
        yield db


@pytest.fixture
def conn(empty_dsn: str) -> Iterator[Conn]:
    """Give another connection to the same database, that of another program."""
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        yield conn


def is_18(conn: Conn) -> bool:
    """Say whether the server is the one whose picture of the schema is kept."""
    return conn.info.server_version // 10_000 == 18


def test_schema_picture_is_current(dsn: str, db_connection: Conn) -> None:
    """sql/schema.sql shows what the migrations make; `make schema` writes it anew."""
    if not is_18(db_connection):
        pytest.skip("the picture is that of PostgreSQL 18")

    assert schema_picture(dsn) == (sql_dir() / "schema.sql").read_text()


def test_second_run_finds_nothing_to_do(db: Database) -> None:
    """Migrating applies each file once, in order, and says so."""
    assert pending(db) == ALL
    assert migrate(db, sleepless) == MigrateReport(applied=NAMES)
    assert migrate(db, sleepless) == MigrateReport()
    assert pending(db) == []
    need_migrated(db)


@pytest.mark.parametrize("version", range(1, len(ALL)), ids=NAMES[:-1])
def test_every_version_of_our_own_gets_there(db: Database, conn: Conn, empty_dsn: str, dsn: str, version: int) -> None:
    """A database at any earlier version ends as one that is made from nothing (contract §1)."""
    migrate(db, sleepless, ALL[:version])
    with pytest.raises(ConfigProblem, match=f"pending, first {NAMES[version]}: run `batchctl migrate`"):
        need_migrated(db)

    assert migrate(db, sleepless) == MigrateReport(applied=NAMES[version:])

    assert conn.execute("select count(*) from adoption").fetchone() == (0,)
    assert schema_picture(empty_dsn) == schema_picture(dsn)


def test_edited_file_is_refused(db: Database) -> None:
    """A file that was edited after it was applied changes nothing and is named."""
    migrate(db, sleepless, ALL[:2])
    edited = [replace(ALL[0], text=ALL[0].text + b"\n-- a word more\n"), *ALL[1:]]

    with pytest.raises(ConfigProblem, match=f"migration {NAMES[0]} was edited after it was applied") as caught:
        migrate(db, sleepless, edited)

    assert caught.value.exit_code == 78
    assert pending(db) == ALL[2:]


@pytest.mark.parametrize(
    ("index", "columns"),
    [
        ("batch_jobs_due_by_customer", "batch_jobs (user_id)"),
        ("video_tasks_of_batch", "video_tasks (user_id)"),
        ("idx_video_tasks_poll_tracking", "video_tasks (user_id)"),
        ("credit_ledger_batch_once", "credit_ledger (user_id)"),
        ("batch_jobs_ended", "batch_jobs (user_id)"),
        ("idx_credit_ledger_user_id", "credit_ledger (type)"),
        ("credit_ledger_by_time", "credit_ledger (user_id)"),
        ("idx_batch_jobs_status_created", "batch_jobs (user_id)"),
        ("batch_jobs_of_customer", "batch_jobs (user_id)"),
        ("batch_requests_of_batch", "batch_requests (user_id)"),
        ("credit_ledger_grant_once", "credit_ledger (user_id)"),
        ("webhook_deliveries_set_aside", "webhook_deliveries (url)"),
        ("webhook_deliveries_written", "webhook_deliveries (url)"),
        ("delivery_attempts_started", "delivery_attempts (attempt)"),
    ],
)
def test_interrupted_index_is_built_anew(db: Database, conn: Conn, index: str, columns: str) -> None:
    """What an interrupted run has left unfinished is thrown away, and the run goes on from there."""
    migrate(db, sleepless, ALL[:3])
    conn.execute("insert into batch_jobs (user_id, total_count) select gen_random_uuid(), 1 from generate_series(1, 2)")
    conn.execute("update batch_jobs set user_id = (select min(user_id::text)::uuid from batch_jobs)")
    conn.execute("insert into video_tasks (user_id) select user_id from batch_jobs")
    conn.execute("insert into credit_ledger (user_id, type, credits_delta) select user_id, 'adjust', 0 from batch_jobs")
    conn.execute(
        "insert into batch_requests (user_id, request_id, batch_job_id) select user_id, id, id from batch_jobs"
    )
    conn.execute(
        "insert into webhook_deliveries (batch_job_id, event_type, url, body) select id, 'x', 'u', '' from batch_jobs"
    )
    conn.execute(
        "insert into delivery_attempts (delivery_id, attempt, started_at) select id, 1, now() from webhook_deliveries"
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        conn.execute(f"create unique index concurrently {index} on {columns}".encode())

    assert migrate(db, sleepless) == MigrateReport(applied=NAMES[3:])

    rows = conn.execute(
        "select i.indisvalid, pg_get_indexdef(i.indexrelid) from pg_index as i where i.indexrelid = %s::regclass",
        [index],
    ).fetchall()
    assert [(valid, columns in text) for valid, text in rows] == [(True, False)]


ROWS = "returns table (url text, secret text) language sql stable as"
WEBHOOK = "get_enterprise_webhook_for_batch(p_batch_id uuid)"


@pytest.mark.parametrize(
    ("function", "stays"),
    [
        (f"create function {WEBHOOK} {ROWS} $$ select 'https://x', 'theirs' $$", True),
        (f"create function {WEBHOOK} {ROWS} $$ select webhook_url, null::text from batch_jobs $$", True),  # noqa: S608 - all of it is ours
        (None, False),
    ],
    ids=["knows a secret", "nearly ours", "ours"],
)
def test_function_of_others_stays(db: Database, conn: Conn, function: str | None, *, stays: bool) -> None:
    """The function that looks up a webhook is replaced where it is that of an earlier version, and only there."""
    migrate(db, sleepless, ALL[:2])
    if function is not None:
        conn.execute(function.encode())
    migrate(db, sleepless, ALL[:13])
    body = "select prosrc from pg_proc where proname = 'get_enterprise_webhook_for_batch'"
    before = conn.execute(body).fetchall()

    migrate(db, sleepless)

    assert (conn.execute(body).fetchall() == before) is stays
    assert stays or "webhook_secrets" in str(conn.execute(body).fetchall())


def test_index_of_others_stays(db: Database, conn: Conn) -> None:
    """An index that somebody else is building, and that is not valid yet, is none of ours to drop."""
    migrate(db, sleepless, ALL[:3])
    conn.execute("insert into video_tasks (user_id) select gen_random_uuid() from generate_series(1, 2)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        conn.execute("create unique index concurrently of_others on video_tasks (poll_count)")

    migrate(db, sleepless)

    assert conn.execute("select to_regclass('of_others') is not null").fetchone() == (True,)


@pytest.mark.parametrize("version", range(3, 6), ids=NAMES[3:6])
def test_table_in_use_stops_a_migration_whole(db: Database, conn: Conn, version: int) -> None:
    """When others keep a table too long, a migration says so after a few tries; nothing of it counts as done."""
    known = impatient(ALL)
    migrate(db, sleepless, known[:version])
    conn.execute("insert into batch_jobs (user_id, total_count) values (gen_random_uuid(), 1)")

    with conn.transaction():
        conn.execute("update batch_jobs set updated_at = now()")
        conn.execute("insert into video_tasks (user_id) values (gen_random_uuid())")
        with pytest.raises(Problem, match=f"{NAMES[version]} was left undone, for others use a table") as caught:
            migrate(db, sleepless, known)
        assert (caught.value.exit_code, "\n" in str(caught.value)) == (1, False)
        assert pending(db, known) == known[version:]

    assert migrate(db, sleepless, known) == MigrateReport(applied=NAMES[version:])


def test_broken_migration_leaves_nothing(db: Database, conn: Conn) -> None:
    """A migration that fails in its last statement has changed nothing and is not remembered."""
    broken = replace(ALL[0], text=ALL[0].text + b"\n;insert into batch_jobs (user_id) values (null);\n")

    with pytest.raises(Problem, match=f"{NAMES[0]} was refused: .*not-null constraint"):
        migrate(db, sleepless, [broken])

    assert conn.execute("select to_regclass('batch_jobs')").fetchone() == (None,)
    assert pending(db) == ALL


def test_foreign_table_of_the_same_name_is_left_alone(db: Database, conn: Conn) -> None:
    """A database whose batch_jobs are something else is refused in one line, as it was."""
    conn.execute("create table batch_jobs (number int)")

    with pytest.raises(ConfigProblem, match=f"{NAMES[0]} does not fit this database: column .* does not exist"):
        migrate(db, sleepless)

    assert conn.execute("select to_regclass('video_tasks')").fetchone() == (None,)


@pytest.fixture
def role(pg_admin: Conn) -> Iterator[str]:
    """Give the name of a role that may log in and no more."""
    name = f"batchctl_test_{uuid4().hex[:8]}"
    pg_admin.execute(sql.SQL("create role {} login").format(sql.Identifier(name)))
    yield name
    pg_admin.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def test_role_without_rights_is_told_so(empty_dsn: str, role: str) -> None:
    """A role that may not make tables, or not read ours, is told which right it lacks; the exit code is 78."""
    with database(make_conninfo(empty_dsn, options=f"-c role={role}")) as db:
        with pytest.raises(ConfigProblem, match=r"role lacks a right .*permission denied for schema public") as caught:
            migrate(db, sleepless)
        assert caught.value.exit_code == 78
    with database(empty_dsn) as db:
        migrate(db, sleepless)
    with (
        database(make_conninfo(empty_dsn, options=f"-c role={role}")) as db,
        pytest.raises(ConfigProblem, match="permission denied for table batchctl_migrations"),
    ):
        need_migrated(db)


def test_rights_by_default_are_taken_back(pg_admin: Conn, db: Database, conn: Conn) -> None:
    """Where all that is new is handed to the roles that the world uses, as the original's platform does, ours is not.

    A table of which row policies say what they may do there is left to them.
    """
    known = [
        name for (name,) in pg_admin.execute("select rolname from pg_roles where rolname in ('anon', 'authenticated')")
    ]
    made = [name for name in ("anon", "authenticated") if name not in known]
    for name in made:
        pg_admin.execute(sql.SQL("create role {}").format(sql.Identifier(name)))
    try:
        for kind in ("tables", "sequences", "functions"):
            statement = f"alter default privileges in schema public grant all on {kind} to anon, authenticated"
            conn.execute(statement.encode())
        migrate(db, sleepless, ALL[:9])
        conn.execute("alter table batch_jobs enable row level security")
        migrate(db, sleepless)
        rows = conn.execute(
            "select c.relname::text from pg_class as c, aclexplode(c.relacl) as x"
            " where x.grantee in ('anon'::regrole, 'authenticated'::regrole)"
            " union select p.proname::text from pg_proc as p, aclexplode(p.proacl) as x"
            " where x.grantee in ('anon'::regrole, 'authenticated'::regrole) and p.prosecdef"
        ).fetchall()
        assert rows == [("batch_jobs",)]
    finally:
        conn.execute("drop owned by anon, authenticated")
        for name in made:
            pg_admin.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def test_schema_is_the_one_of_the_search_path(empty_dsn: str, conn: Conn) -> None:
    """Everything is made in the schema that search_path gives, and works there whatever the path of a later session."""
    conn.execute("create schema shop")
    with database(make_conninfo(empty_dsn, options="-c search_path=shop")) as db:
        migrate(db, sleepless)

    assert conn.execute("select count(*) from pg_class where relnamespace = 'public'::regnamespace").fetchone() == (0,)
    conn.execute("insert into shop.batch_jobs (user_id, total_count) values (gen_random_uuid(), 1)")
    conn.execute("insert into shop.video_tasks (user_id, batch_job_id) select user_id, id from shop.batch_jobs")
    assert conn.execute("select task_count from shop.batch_jobs").fetchone() == (1,)


def test_search_path_to_nowhere_is_a_wrong_setting(empty_dsn: str) -> None:
    """Without a schema to make tables in the operator is told what to set."""
    with (
        database(make_conninfo(empty_dsn, options="-c search_path=nowhere")) as db,
        pytest.raises(ConfigProblem, match="set search_path"),
    ):
        migrate(db, sleepless)


def test_files_are_numbered_without_gap() -> None:
    """Each migration has the number after the one before, so that two cannot take the same."""
    assert [migration.number for migration in ALL] == list(range(1, len(ALL) + 1))


def test_statements_outside_a_transaction_are_told_apart() -> None:
    """A file that asks for it is run statement by statement, its comments and its blocks kept whole."""
    outside = [migration for migration in ALL if migration.runs_outside]

    assert len(outside) > 1
    for migration in outside:
        parts = migration.statements
        # Beside the indexes there are the block that drops unfinished ones, and a timeout that is set and reset.
        assert sum(b"create index" in part or b"create unique index" in part for part in parts) == len(parts) - 3
        assert all(part.count(b"concurrently") <= 1 for part in parts)
    assert {len(migration.statements) for migration in ALL if migration not in outside} == {1}
