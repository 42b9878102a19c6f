"""What a run cost: processor time and memory by /proc, statements, commits and WAL by PostgreSQL's own counters."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.server import Server

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_HOUSEKEEPING = (
    r"^\s*(begin|commit|rollback|start transaction|savepoint|release|reset all|unlisten|close all|discard"
    r"|select pg_advisory_unlock_all)"
)
"""What drivers and their pools send around statements; counted apart."""
_COUNT_STATEMENTS = """
    select
        coalesce(sum(s.calls) filter (where s.query !~* %(housekeeping)s), 0)::bigint,
        coalesce(sum(s.calls) filter (where s.query ~* %(housekeeping)s), 0)::bigint
    from pg_stat_statements as s
    inner join pg_database as d on d.oid = s.dbid
    where d.datname = %(database)s
"""
_COUNT_COMMITS = "select xact_commit from pg_stat_database where datname = %(database)s"
_TOP = """
    select s.query, s.calls, s.total_exec_time, s.wal_bytes::bigint, s.rows
    from pg_stat_statements as s
    inner join pg_database as d on d.oid = s.dbid
    where d.datname = %(database)s
    order by s.total_exec_time desc
"""


def worker_cpu_s(pid: int) -> float:
    """Return the processor time that a process and its ended threads and children have used, to 10 ms."""
    return sum(_stat(pid)[11:15]) / _TICKS_PER_S


def peak_rss_mib(pid: int) -> float:
    """Return the most memory that a process has had in RAM."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def postgres_cpu_s(postmaster: int) -> float:
    """Return the processor time of a server: of all its processes that live, and of those that have ended."""
    ended_s = sum(_stat(postmaster)[13:15]) / _TICKS_PER_S
    return ended_s + sum(_run_s(pid) for pid in (postmaster, *_children(postmaster)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The counters of a server and of one of its databases at one moment."""

    cpu_s: float
    wal_bytes: int
    commits: int


class Meter:
    """Reads what one run costs the server."""

    def __init__(self, server: Server, database: str) -> None:
        """Look at this database."""
        self._server = server
        self._database = database

    def start(self) -> Reading:
        """Forget the statements so far, and read the counters."""
        self._server.admin.execute("select pg_stat_statements_reset()")
        return self.read()

    def read(self) -> Reading:
        """Read the counters. Commits are exact only once the sessions have ended."""
        wal_bytes = self._one("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")[0]
        commits = self._one(_COUNT_COMMITS)[0]
        return Reading(cpu_s=postgres_cpu_s(self._server.pid), wal_bytes=wal_bytes, commits=commits)

    def statements(self) -> tuple[int, int]:
        """Return how many statements were run since the start, and how many that only served a driver."""
        counts = self._one(_COUNT_STATEMENTS)
        return counts[0], counts[1]

    def top(self) -> list[tuple[Any, ...]]:
        """Return the statements since the start by their time: text, calls, ms, WAL bytes, rows."""
        return self._server.admin.execute(_TOP, {"database": self._database}).fetchall()

    def _one(self, sql: str) -> tuple[Any, ...]:
        row = self._server.admin.execute(
            sql.encode(), {"database": self._database, "housekeeping": _HOUSEKEEPING}
        ).fetchone()
        assert row is not None
        return tuple(row)


def _stat(pid: int) -> list[int]:
    """Return the numbers of /proc/PID/stat after the state; 11 to 14 are utime, stime, cutime and cstime."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return [0, *map(int, fields[1:])]


def _run_s(pid: int) -> float:
    """Return the processor time of a process of one thread, exactly where the kernel tells; 0 once it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        schedstat = Path(f"/proc/{pid}/schedstat")
        if schedstat.exists():
            return int(schedstat.read_text().split()[0]) / 1e9
        return sum(_stat(pid)[11:13]) / _TICKS_PER_S
    return 0.0


def _children(pid: int) -> Iterator[int]:
    with suppress(FileNotFoundError, ProcessLookupError):
        yield from map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
