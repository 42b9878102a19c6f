"""The scripts for psql: they do what `migrate` does, say so, and can be run again."""

import re
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from batchctl.db import Database
from batchctl.domain.problem import ConfigProblem, UsageProblem
from batchctl.service.migrate import SESSION, Migration, migrate, migrations, need_migrated, pending
from batchctl.service.psql import UP_TO_DATE, migration_script, role_script
from tests.conftest import Conn, schema_picture
from tests.legacy.leftovers import leave_behind
from tests.legacy.original import Variant, original
from tests.psql import psql

ALL = migrations()
NAMES = [migration.name for migration in ALL]
REFUSED = 3
"""The exit code of psql for a script that broke off."""


def sleepless(_: float) -> None:
    """Wait for nothing."""


@pytest.fixture
def db(empty_dsn: str) -> Iterator[Database]:
    """Give a database without any table."""
    with closing(Database(empty_dsn, sleepless, session=SESSION)) as db:
        yield db


@pytest.fixture
def conn(empty_dsn: str) -> Iterator[Conn]:
    """Give another connection to the same database."""
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        yield conn


def words(script_output: str) -> list[str]:
    """Return the lines that a script says for its reader."""
    return [line for line in script_output.splitlines() if line]


def test_script_for_nothing_makes_everything(db: Database, dsn: str, empty_dsn: str) -> None:
    """Without a database the script is the whole history: run on an empty one, it makes what `migrate` makes."""
    ran = psql(empty_dsn, migration_script(None))

    assert (ran.returncode, ran.stderr) == (0, "")
    assert words(ran.stdout) == [f"applied {name}" for name in NAMES]
    assert schema_picture(empty_dsn) == schema_picture(dsn)
    need_migrated(db)


def test_second_run_changes_nothing(conn: Conn, empty_dsn: str) -> None:
    """A script that is run again passes over what it has applied, and says so."""
    psql(empty_dsn, migration_script(None))
    before = conn.execute("select * from batchctl_migrations order by number").fetchall()

    ran = psql(empty_dsn, migration_script(None))

    assert (ran.returncode, ran.stderr) == (0, "")
    assert words(ran.stdout) == [f"{name} was applied already" for name in NAMES]
    assert conn.execute("select * from batchctl_migrations order by number").fetchall() == before


@pytest.mark.parametrize("version", [3, 5, len(ALL) - 1])
def test_script_for_a_database_goes_on_from_there(db: Database, dsn: str, empty_dsn: str, version: int) -> None:
    """With a database the script holds what is pending there, and nothing else."""
    migrate(db, sleepless, ALL[:version])
    script = migration_script(db)

    ran = psql(empty_dsn, script)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert words(ran.stdout) == [f"applied {name}" for name in NAMES[version:]]
    assert "create table adoption" not in script
    assert schema_picture(empty_dsn) == schema_picture(dsn)
    need_migrated(db)


def test_nothing_pending_is_said_in_a_comment(db: Database, empty_dsn: str) -> None:
    """The script for a database that is up to date says so, and psql has nothing to do."""
    migrate(db, sleepless)
    script = migration_script(db)

    assert script == UP_TO_DATE
    ran = psql(empty_dsn, script)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_originals_database_is_adopted_alike(conn: Conn, empty_dsn: str) -> None:
    """By script or by `migrate`, the original's database ends with the same schema, no old row changed, all adopted."""
    pictures: list[str] = []
    for by_script in (False, True):
        conn.execute("drop schema public cascade")
        conn.execute("create schema public")
        with original(empty_dsn, Variant()) as old, closing(Database(empty_dsn, sleepless, session=SESSION)) as db:
            leave_behind(old, "https://customer.example/hook")
            columns = old.columns()
            rows = old.contents(columns)
            if by_script:
                ran = psql(empty_dsn, migration_script(db))
                assert (ran.returncode, ran.stderr) == (0, "")
            else:
                migrate(db, sleepless)
            need_migrated(db)
            assert old.contents(columns) == rows
            assert old.run("select count(*), count(applied_at) from adoption") == [(1, 0)]
            assert old.value("select count(*) from adopted_wallets") > 0
            pictures.append(schema_picture(empty_dsn))
    assert pictures[0] == pictures[1]


def test_script_takes_its_turn(conn: Conn, empty_dsn: str) -> None:
    """While another migration is under way, by whatever means, a script changes nothing and says so."""
    conn.execute("select pg_advisory_lock(hashtext('batchctl migrate'))")

    ran = psql(empty_dsn, migration_script(None))

    assert ran.returncode == REFUSED
    assert "another migration is under way: try again when it has ended" in ran.stderr
    assert conn.execute("select to_regclass('batchctl_migrations')").fetchone() == (None,)


def test_script_that_broke_off_goes_on(db: Database, conn: Conn, dsn: str, empty_dsn: str) -> None:
    """What a script did before somebody was in its way stays; the next run builds what is unfinished and goes on."""
    migrate(db, sleepless, ALL[:2])
    script = migration_script(db)
    assert "set lock_timeout = '5s';" in script
    with psycopg.connect(empty_dsn) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("select from batch_jobs")
        broken = psql(empty_dsn, re.sub("lock_timeout = '[^']+'", "lock_timeout = '20ms'", script))
    assert broken.returncode == REFUSED
    assert "canceling statement due to lock timeout" in broken.stderr
    assert words(broken.stdout) == [f"applied {NAMES[2]}"]
    assert pending(db) == ALL[3:]
    assert conn.execute("select count(*) from pg_index where not indisvalid").fetchone() == (1,)

    ran = psql(empty_dsn, script)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert words(ran.stdout) == [f"{NAMES[2]} was applied already", *(f"applied {name}" for name in NAMES[3:])]
    assert conn.execute("select count(*) from pg_index where not indisvalid").fetchone() == (0,)
    assert schema_picture(empty_dsn) == schema_picture(dsn)


def test_script_refuses_another_database(db: Database, conn: Conn, empty_dsn: str) -> None:
    """A script that goes on from migrations which are missing here names them and changes nothing."""
    migrate(db, sleepless, ALL[:2])
    script = migration_script(db)
    conn.execute("drop schema public cascade")
    conn.execute("create schema public")

    ran = psql(empty_dsn, script)

    assert ran.returncode == REFUSED
    assert f"goes on from migrations that are not applied here: {NAMES[0]}, {NAMES[1]}" in ran.stderr
    assert conn.execute("select to_regclass('batch_jobs')").fetchone() == (None,)


def test_edited_file_is_refused(db: Database, empty_dsn: str) -> None:
    """Neither a script for such a database is written, nor one for all runs there: the digests differ."""
    edited = [Migration(number=1, name=ALL[0].name, text=ALL[0].text + b"\n-- more\n"), *ALL[1:]]
    migrate(db, sleepless, edited[:1])

    with pytest.raises(ConfigProblem, match=f"migration {NAMES[0]} was edited after it was applied"):
        migration_script(db)
    ran = psql(empty_dsn, migration_script(None))
    assert ran.returncode == REFUSED
    assert f"these migrations were edited after they were applied: {NAMES[0]}" in ran.stderr
    assert pending(db, edited) == ALL[1:]


def test_script_is_for_the_schema_of_the_search_path(conn: Conn, empty_dsn: str) -> None:
    """Everything is made in the schema that search_path gives; without one the script says what to set."""
    conn.execute("create schema shop")

    nowhere = psql(make_conninfo(empty_dsn, options="-c search_path=nowhere"), migration_script(None))
    shop = psql(make_conninfo(empty_dsn, options="-c search_path=shop"), migration_script(None))

    assert (nowhere.returncode, shop.returncode) == (REFUSED, 0)
    assert "set search_path to one that exists" in nowhere.stderr
    assert conn.execute("select count(*) from pg_class where relnamespace = 'public'::regnamespace").fetchone() == (0,)
    assert conn.execute("select count(*) from shop.batchctl_migrations").fetchone() == (len(ALL),)


def test_habits_of_whoever_runs_it_do_not_count(empty_dsn: str) -> None:
    """A psql that is told to begin transactions by itself, or to go on after errors, runs the script all the same."""
    habits = "\\set AUTOCOMMIT off\n\\set ON_ERROR_STOP off\nset statement_timeout = '1ms';\ncommit;\n"

    ran = psql(empty_dsn, habits + migration_script(None))

    assert (ran.returncode, ran.stderr) == (0, "")


def test_unknown_role_is_wrong_usage() -> None:
    """A role that there is no script for is refused with the names of all that there are."""
    with pytest.raises(UsageProblem, match="no role root: choose one of batch_application, batch_operator, batch_"):
        role_script("root")
