"""Where trials take place: a fresh company for each, on a server that all share, and processes that share its clock."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from tests.faults.workers import Nursery, Worker
from tests.scenario import SECRET, Company, at_work

_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
PLACES = 4
"""Requests that a worker process has in flight at once."""
CLOCK = """
create schema clock;
create table clock.shift (shift interval not null);
insert into clock.shift values ('0');
create function clock.clock_timestamp() returns timestamptz language sql volatile
    return pg_catalog.clock_timestamp() + (select shift from clock.shift);
"""
"""A database clock that can be set: it stands before the real one in the search path of worker processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A server with a migrated template, and a nursery of worker processes."""

    admin: Connection[Any]
    """To the server's database of administration, with autocommit."""
    template: str
    nursery: Nursery
    _numbers: "count[int]"
    _left: list[str]
    """Databases of companies that have closed, dropped when the next one opens."""

    @classmethod
    def on(cls, admin: Connection[Any], template: str, nursery: Nursery) -> "Ground":
        """Take a server as ground."""
        return cls(admin=admin, template=template, nursery=nursery, _numbers=count(1), _left=[])

    @contextmanager
    def company(self) -> Iterator[Company]:
        """Open a company on a database of its own, whose clock worker processes can share."""
        with self.database() as dsn, at_work(dsn) as company:
            yield company

    @contextmanager
    def database(self) -> Iterator[str]:
        """Give the address of a migrated database with a clock that can be set."""
        name = f"batchctl_test_ground_{_WORKER}_{next(self._numbers)}"
        self._left.append(name)  # It may be there since a run that was killed.
        self.clear()
        create = sql.SQL("create database {} template {} strategy file_copy")
        self.admin.execute(create.format(sql.Identifier(name), sql.Identifier(self.template)))
        info = self.admin.info
        dsn = make_conninfo(host=info.host, port=info.port, user=info.user, password=info.password, dbname=name)
        with Connection.connect(dsn, autocommit=True) as conn:
            conn.execute(CLOCK)
        try:
            yield dsn
        finally:
            self._left.append(name)

    def clear(self) -> None:
        """Drop the databases of companies that have closed."""
        while self._left:
            name = sql.Identifier(self._left.pop())
            self.admin.execute(sql.SQL("drop database if exists {} with (force)").format(name))

    def start(self, company: Company, *arguments: str, **settings: str) -> Worker:
        """Start a worker process for the company, which sees the time that `lend_clock` gave."""
        return self.nursery.start(environment(company) | settings, *arguments)


def environment(company: Company) -> dict[str, str]:
    """Return what a worker process of this company needs."""
    return {
        "BATCHCTL_HTTP_CLIENT": os.environ.get("BATCHCTL_HTTP_CLIENT", "httpx"),
        "BATCHCTL_DATABASE_URL": make_conninfo(company.dsn, options="-c search_path=public,clock,pg_catalog"),
        "GRSAI_HOST": company.provider.base_url,
        "GRSAI_API_KEY": "sk-test",
        "GRSAI_TIMEOUT_MS": "2000",
        "ENTERPRISE_WEBHOOK_SECRET": SECRET,
        "ENTERPRISE_WEBHOOK_TIMEOUT_MS": "1000",
        "ENTERPRISE_WEBHOOK_ALLOW_INSECURE": "true",
        "BATCH_PROVIDER_CONCURRENCY": str(PLACES),
        "BATCH_WORKER_MAX_START_TASKS_PER_BATCH": "1000",
    }


def lend_clock(company: Company) -> None:
    """Let worker processes begin at the company's time; theirs goes on by itself."""
    company.sql("update clock.shift set shift = %s", company.clock.now - _real())


def take_clock_back(company: Company) -> None:
    """Let the company's time be that of its worker processes."""
    (row,) = company.sql("select shift from clock.shift")
    company.clock.now = _real() + row.shift


def _real() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - worker processes live by real time
