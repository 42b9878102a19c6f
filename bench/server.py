"""The PostgreSQL that all contestants use in turn, and the databases that each run has for itself."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from batchctl.db import Database
from batchctl.embedded import FORGETFUL, serve
from batchctl.service.migrate import SESSION, migrate
from batchctl.wiring import sleep

SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    # A checkpoint in the middle of somebody's round would make their pages be logged whole; durability is the default.
    "checkpoint_timeout": "1h",
    "max_wal_size": "8GB",
}
TEMPLATE = "batchctl_template"
"""A migrated database, from which batchctl's are copied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server."""

    dsn: str
    """Of its database `postgres`."""
    pid: int
    """The postmaster; all other processes are its children."""
    admin: psycopg.Connection[Any]

    @contextmanager
    def database(self, name: str, template: str) -> Iterator[str]:
        """Make a database, give its address, and drop it afterwards, which also writes a checkpoint."""
        self.admin.execute(f"create database {name} template {template}".encode())
        try:
            yield make_conninfo(self.dsn, dbname=name)
        finally:
            self.admin.execute(f"drop database {name} with (force)".encode())


@contextmanager
def running(*, durable: bool = True) -> Iterator[Server]:
    """Run an embedded server in a directory that is thrown away; with default durability, or forgetful for tests."""
    with TemporaryDirectory(prefix="batchctl-bench-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        scratch.chmod(0o711)  # as root the server runs as another account, which must get through
        with (
            serve(scratch, settings=SETTINGS if durable else {**FORGETFUL, **SETTINGS}) as dsn,
            psycopg.connect(dsn, autocommit=True) as admin,
        ):
            admin.execute("create extension pg_stat_statements")
            admin.execute(f"create database {TEMPLATE}".encode())
            with closing(Database(make_conninfo(dsn, dbname=TEMPLATE), sleep, session=SESSION)) as db:
                migrate(db, sleep)
            pid = int((scratch / "data/postmaster.pid").read_text().split()[0])
            yield Server(dsn=dsn, pid=pid, admin=admin)
