"""Several who migrate one database at once: each file is applied once, and all of them end well."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from threading import Event

import psycopg
import pytest

from batchctl.db import Database
from batchctl.domain.problem import Problem
from batchctl.service.migrate import LOCK_TRIES, SESSION, MigrateReport, migrate, migrations, pending
from tests.conftest import Conn
from tests.simulator.client import await_true

NAMES = tuple(migration.name for migration in migrations())
INDEXES_AT = NAMES.index("0004_indexes_of_due_work")


def rest(_: float) -> None:
    """Sleep for a moment, however long that was to be."""
    Event().wait(0.005)


def applied(dsn: str, sleep: Callable[[float], None]) -> tuple[str, ...]:
    """Migrate on a connection of its own and return what that applied."""
    with closing(Database(dsn, sleep, session=SESSION)) as db:
        return migrate(db, sleep).applied


def test_two_processes_migrate_at_once(empty_dsn: str) -> None:
    """Of two processes that start together one applies every file and the other waits and finds nothing to do."""
    command = [sys.executable, "-m", "batchctl", "migrate"]
    running = [
        subprocess.Popen(
            command, env={"BATCHCTL_DATABASE_URL": empty_dsn}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    ended = [process.communicate(timeout=30) for process in running]

    assert [process.returncode for process in running] == [0, 0]
    assert [err for _, err in ended] == [b"", b""]
    everything = "".join(f"applied {name}\n" for name in NAMES).encode()
    assert sorted(out for out, _ in ended) == sorted([everything, b"up to date\n"])


def test_second_one_does_not_hold_up_an_index(empty_dsn: str) -> None:
    """An index that is built concurrently waits for older transactions; who waits to migrate is none of them."""
    with closing(Database(empty_dsn, rest, session=SESSION)) as db:
        migrate(db, rest, migrations()[:INDEXES_AT])
    with (
        ThreadPoolExecutor() as threads,
        psycopg.connect(empty_dsn) as other,
        psycopg.connect(empty_dsn, autocommit=True) as observer,
    ):
        other.execute("insert into batch_jobs (user_id) values (gen_random_uuid())")
        first = threads.submit(applied, empty_dsn, rest)
        await_true(lambda: waits_for_a_transaction(observer))
        slept: list[float] = []

        def doze(wait_s: float) -> None:
            slept.append(wait_s)
            rest(wait_s)

        second = threads.submit(applied, empty_dsn, doze)
        await_true(lambda: len(slept) >= 3)
        assert not first.done()
        other.commit()
        both: list[Future[tuple[str, ...]]] = [first, second]
        assert sorted(future.result(30) for future in both) == [(), NAMES[INDEXES_AT:]]


def waits_for_a_transaction(observer: Conn) -> bool:
    """Say whether an index is being built and waits for somebody's transaction."""
    row = observer.execute(
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        " and query ilike '%create index concurrently%'"
    ).fetchone()
    return row == (1,)


def test_migration_that_never_ends_is_waited_for_a_minute(empty_dsn: str) -> None:
    """Who waits too long for another migration gives up and says so."""
    with psycopg.connect(empty_dsn, autocommit=True) as other:
        other.execute("select pg_advisory_lock(hashtext('batchctl migrate'))")
        slept: list[float] = []
        with (
            closing(Database(empty_dsn, slept.append, session=SESSION)) as db,
            pytest.raises(Problem, match="another migration is under way"),
        ):
            migrate(db, slept.append)
    assert len(slept) == LOCK_TRIES
    assert sum(slept) == pytest.approx(60)


def test_one_that_lost_its_connection_leaves_the_rest_to_the_next(
    empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its connection a run loses its place; if another has taken that, it stops, and nothing is applied twice."""
    with (
        closing(Database(empty_dsn, rest, session=SESSION)) as db,
        psycopg.connect(empty_dsn, autocommit=True) as other,
    ):
        files = migrations()

        def overtaken() -> list[object]:
            other.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            other.execute("select pg_advisory_lock(hashtext('batchctl migrate'))")
            return []

        monkeypatch.setattr("batchctl.service.migrate.migrations", lambda: overtaken() or files)
        with pytest.raises(Problem, match="another migration goes on from here"):
            migrate(db, rest)
        other.execute("select pg_advisory_unlock_all()")
        assert pending(db, files) == files
        assert migrate(db, rest, files) == MigrateReport(applied=NAMES)
