"""Trials in which PostgreSQL is stopped at once in the middle of passes, and started again."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from threading import Event
from typing import Any, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import RowFactory, namedtuple_row

from batchctl.embedded import serve
from tests.conftest import migrate_for_tests, scratch_directory
from tests.faults.crew import END_S, await_first_passes, await_so, enqueue_at_random, start_busy, stop
from tests.faults.criterion import assert_whole, forgive_tries
from tests.faults.ground import CLOCK, Ground, lend_clock, take_clock_back
from tests.faults.trial import Kinds
from tests.scenario import Company, at_work

RECONNECT_S = 10.0
"""A worker is back at work so soon after the server is."""
_DURABLE = {"fsync": "off", "autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0"}
"""What is committed survives the server's end, for the operating system lives on."""


class Server:
    """A PostgreSQL of a trial's own, whose address stays the same over its ends."""

    def __init__(self, root: Path) -> None:
        """Keep its data in a folder; nothing runs yet."""
        self._root = root
        self._running = ExitStack()
        self.dsn = f"host={root / 'socket'} port=5432 user=postgres dbname=postgres"

    def start(self) -> None:
        """Start it, and recover what the last end left."""
        self._running.enter_context(serve(self._root, settings=_DURABLE))

    def end_at_once(self) -> None:
        """Stop it as `pg_ctl stop -m immediate` does: no session ends in order, nothing is written any more."""
        os.kill(int((self._root / "data/postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        self._running.close()

    def close(self) -> None:
        """Stop it in order, if it runs."""
        self._running.close()


@contextmanager
def _company() -> Iterator[tuple[Server, Company]]:
    """Open a company on a server of its own."""
    with scratch_directory() as scratch, ExitStack() as stack:
        server = Server(scratch / "own")
        server.start()
        stack.callback(server.close)
        migrate_for_tests(**conninfo_to_dict(server.dsn))
        with at_work(server.dsn) as company:
            stack.callback(lambda: company.conn.close())  # noqa: PLW0108 - of the connection that it has then
            company.sql(CLOCK)
            yield server, company


def end_in_mid_pass(ground: Ground, seed: int, *, tasks: int, ends: int, workers: int = 2) -> int:
    """End the server some times while workers are busy: they come back by themselves, and nothing is in doubt."""
    chance = Random(seed)
    with _company() as (server, company):
        enqueue_at_random(company, chance, tasks)
        lend_clock(company)
        crew = [start_busy(ground, company) for _ in range(workers)]
        await_first_passes(company, crew)
        for _ in range(ends):
            busy_until = len(company.provider.journal.entries) + chance.randint(1, tasks // ends)
            await_so(partial(_is_past, company, busy_until), END_S, crew)
            Event().wait(chance.uniform(0, 0.02))
            server.end_at_once()
            Event().wait(chance.choice((0.0, 0.1, 1.5)))
            server.start()
            _reconnect(company)
            await_so(lambda: _sessions(company) > 0, RECONNECT_S, crew)
        await_so(lambda: not company.is_open(), END_S, crew)
        stop(crew)
        take_clock_back(company)
        forgive_tries(company)
        assert_whole(company)
    return ends


def _is_past(company: Company, requests: int) -> bool:
    return len(company.provider.journal.entries) >= requests or not company.is_open()


def _sessions(company: Company) -> int:
    (row,) = company.sql("select count(*) as n from pg_stat_activity where application_name = 'batchctl'")
    return int(row.n)


def _reconnect(company: Company) -> None:
    company.conn.close()
    company.conn = psycopg.connect(company.dsn, autocommit=True, row_factory=cast("RowFactory[Any]", namedtuple_row))


KINDS: Kinds = {
    "server ends": lambda ground, seed: end_in_mid_pass(ground, seed, tasks=80, ends=3, workers=1 + seed % 3),
}
