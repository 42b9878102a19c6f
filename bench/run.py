"""One run of one contestant: set the stage, start the clock, stop it, look at the meters, check the books."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from threading import Timer
from time import perf_counter
from typing import Any

import psycopg

from bench.contest import ROOT, Contestant
from bench.meter import Meter, peak_rss_mib, worker_cpu_s
from bench.server import Server
from bench.shop import check_provider
from bench.stage import DONE, END, GO, READY
from bench.work import Assignment, Work

_PROVIDER_PYTHON = ROOT / ".venv/bench-bare/bin/python"
"""Where uvloop is; without it the provider is slower."""


PATIENCE_S = 300
"""A contestant that takes longer is ended."""


class FailedRunError(Exception):
    """A contestant's process ended before its work did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The figures of one run. Those of the database are None where there is none."""

    contestant: str
    seconds: float
    tasks_per_s: float
    worker_cpu_s_per_1000: float
    worker_rss_mib: float
    provider_cpu_s_per_1000: float
    most_in_flight: int
    postgres_cpu_s_per_1000: float | None = None
    statements_per_task: float | None = None
    housekeeping_per_task: float | None = None
    commits_per_task: float | None = None
    wal_bytes_per_task: float | None = None
    top_statements: tuple[tuple[str, int, float, int, int], ...] = ()
    """Text, calls, ms, WAL bytes and rows of the statements that took most time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed:
    seconds: float
    worker_cpu_s: float
    worker_rss_mib: float


def run(contestant: Contestant, work: Work, server: Server | None) -> Result:
    """Run a contestant once. Raises FailedRunError or BrokenBooksError: then there are no figures."""
    with _provider(work) as (process, url):
        provider_cpu_before_s = worker_cpu_s(process.pid)
        if contestant.shop is None or server is None:
            with _performance(contestant, _assign(contestant, work, "", url)) as worker:
                timed = _time(worker)
            result = _result(contestant, work, timed)
        else:
            result = _run_on_database(contestant, work, server, url)
        provider_cpu_s = worker_cpu_s(process.pid) - provider_cpu_before_s
        report = _ask(url)
        check_provider(report, work)
    return replace(
        result, provider_cpu_s_per_1000=provider_cpu_s / work.total * 1000, most_in_flight=report["most_in_flight"]
    )


def _run_on_database(contestant: Contestant, work: Work, server: Server, url: str) -> Result:
    shop = contestant.shop
    assert shop is not None
    with server.database("bench", shop.template) as dsn:
        with psycopg.connect(dsn, autocommit=True) as conn:
            shop.enqueue(conn, work, url)
        meter = Meter(server, "bench")
        with _performance(contestant, _assign(contestant, work, dsn, url)) as worker:
            with psycopg.connect(dsn, autocommit=True) as conn:
                conn.execute("analyze")  # What autovacuum does for any table within a minute, for everybody.
            before = meter.start()
            timed = _time(worker)
        after = meter.read()
        statements, housekeeping = meter.statements()
        top = tuple((str(text), calls, ms, wal, rows) for text, calls, ms, wal, rows in meter.top()[:25])
        with psycopg.connect(dsn, autocommit=True) as conn:
            shop.check(conn, work)
    return replace(
        _result(contestant, work, timed),
        postgres_cpu_s_per_1000=(after.cpu_s - before.cpu_s) / work.total * 1000,
        statements_per_task=statements / work.total,
        housekeeping_per_task=housekeeping / work.total,
        commits_per_task=(after.commits - before.commits) / work.total,
        wal_bytes_per_task=(after.wal_bytes - before.wal_bytes) / work.total,
        top_statements=top,
    )


def _assign(contestant: Contestant, work: Work, dsn: str, provider_url: str) -> Assignment:
    return Assignment(
        work=work, client=contestant.client, in_one_job=contestant.in_one_job, dsn=dsn, provider_url=provider_url
    )


def _result(contestant: Contestant, work: Work, timed: _Timed) -> Result:
    return Result(
        contestant=contestant.title,
        seconds=timed.seconds,
        tasks_per_s=work.total / timed.seconds,
        worker_cpu_s_per_1000=timed.worker_cpu_s / work.total * 1000,
        worker_rss_mib=timed.worker_rss_mib,
        provider_cpu_s_per_1000=0,
        most_in_flight=0,
    )


def _time(worker: "subprocess.Popen[str]") -> _Timed:
    """Let the contestant go, and look at it when it says that it is done."""
    cpu_before_s = worker_cpu_s(worker.pid)
    started_s = perf_counter()
    _tell(worker, GO)
    _await(worker, DONE)
    seconds = perf_counter() - started_s
    timed = _Timed(
        seconds=seconds,
        worker_cpu_s=worker_cpu_s(worker.pid) - cpu_before_s,
        worker_rss_mib=peak_rss_mib(worker.pid),
    )
    _tell(worker, END)
    return timed


@contextmanager
def _performance(contestant: Contestant, assignment: Assignment) -> Iterator["subprocess.Popen[str]"]:
    """Start a contestant's process, wait until it is ready, and until it has ended in the end."""
    command = [str(contestant.python), "-m", "bench.contestants", contestant.module]
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        "HOME": os.environ.get("HOME", "/"),
    }
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            _tell(process, assignment.dump())
            _await(process, READY)
            yield process
            if process.wait(60):
                raise FailedRunError(f"{contestant.title} ended with {process.returncode}")
        finally:
            process.kill()


@contextmanager
def _provider(work: Work) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run a provider of its own for each run, and give its address."""
    python = _PROVIDER_PYTHON if _PROVIDER_PYTHON.exists() else Path(sys.executable)
    command = [str(python), "-m", "bench.provider", str(work.latency_ms)]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield process, f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def _ask(url: str) -> dict[str, Any]:
    """Return what the provider was asked."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/report")
    report: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return report


def _tell(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def _await(process: "subprocess.Popen[str]", word: str) -> None:
    assert process.stdout is not None
    watchdog = Timer(PATIENCE_S, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            if line.strip() == word:
                return
    finally:
        watchdog.cancel()
    raise FailedRunError(f"the process ended with {process.wait()} before it said {word!r}")
