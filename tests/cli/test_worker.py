"""`batchctl worker` as a process of its own: it is woken, survives, tells how it is, and stops when it is asked to."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from batchctl.simulator.answer import Answer
from tests.cli.conftest import Shell
from tests.conftest import Conn
from tests.pooler import pooler
from tests.scenario import Company

PATIENCE_S = 12.0
"""Far less than the 30 s after which a sleeping worker looks again by itself."""


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait until something is so; fail when it takes too long."""
    end_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end_s, f"not so in time: {what}"
        time.sleep(0.02)  # noqa: TID251 - a process at work is looked at by real time


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker at work."""

    process: subprocess.Popen[bytes]
    log: Path
    health: Path

    def said(self) -> str:
        """Return what it has said so far."""
        return self.log.read_text()

    def passes_after(self, number: int) -> None:
        """Wait until so many passes more have ended."""
        for _ in range(number):
            until(partial(self._differs, self._inode()), "another pass")

    def _inode(self) -> int | None:
        return self.health.stat().st_ino if self.health.exists() else None

    def _differs(self, known: int | None) -> bool:
        return self._inode() not in {None, known}

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@contextmanager
def at_work(office: Shell, directory: Path, *options: str, **settings: str) -> Iterator[Worker]:
    """Start a worker, and stop it in the end."""
    log, health = directory / "log", directory / "health.json"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "batchctl", "worker", "--health-file", str(health), *options],
            env={**os.environ, **office.environment, **settings},
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    try:
        yield Worker(process=process, log=log, health=health)
    finally:
        process.terminate()
        try:
            out, _ = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert out == b""


def asleep(worker: Worker) -> None:
    """Wait until a worker has nothing to do and listens, which it does from its first pass on and then looks again."""
    worker.passes_after(2)


def is_completed(company: Company, batch_id: UUID) -> bool:
    """Say whether a batch has come to its end."""
    return bool(company.batch(batch_id).status == "completed")


def test_arriving_batch_wakes_the_worker(company: Company, office: Shell, tmp_path: Path) -> None:
    """A worker asleep for 30 s begins with a batch as soon as it is whole, and brings it to its end by itself."""
    customer = company.customer(permanent=20)
    with at_work(office, tmp_path, BATCH_POLL_BACKOFF_SECONDS="0,0,0") as worker:
        asleep(worker)

        batch_id = company.enqueue(customer, 2)

        until(lambda: is_completed(company, batch_id), "completed")
        until(lambda: company.batch(batch_id).webhook_status == "sent", "told")
        assert worker.stop() == 143
        assert "dispatch: 1 batch claimed (20 credits frozen), 2 tasks started" in worker.said()
        assert "stopped: what was in flight is recorded" in worker.said()


def test_batch_whose_tasks_come_later_wakes_the_worker(company: Company, office: Shell, tmp_path: Path) -> None:
    """The original application writes the batch first: it is news when its last task is there, and not before."""
    customer = company.customer(permanent=20)
    with at_work(office, tmp_path, BATCH_POLL_BACKOFF_SECONDS="0,0,0") as worker:
        batch_id = company.enqueue(customer, 1, total=2)
        asleep(worker)
        assert company.batch(batch_id).status == "queued"

        company.add_tasks(batch_id, customer, ["the last one"], first=1)

        until(lambda: is_completed(company, batch_id), "completed")


def test_only_the_first_of_a_queue_is_announced(company: Company) -> None:
    """While a batch waits to be claimed others are not announced: they are found with it, without the commit's lock."""
    with psycopg.connect(company.dsn, autocommit=True) as listener:
        listener.execute("listen batchctl_batch")
        first = company.enqueue(company.customer(permanent=10), 1)
        assert len(list(listener.notifies(timeout=PATIENCE_S, stop_after=1))) == 1

        company.enqueue(company.customer(permanent=10), 1)
        company.sql("update batch_jobs set hold_reason = 'x' where id = %s", first)
        company.sql("update batch_jobs set hold_reason = null where id = %s", first)
        company.sql("notify batchctl_batch, 'the end'")
        heard = [told.payload for told in listener.notifies(timeout=PATIENCE_S, stop_after=1)]
        assert heard == ["the end"]

        company.run_until_quiet()
        company.enqueue(company.customer(permanent=10), 1)
        assert len(list(listener.notifies(timeout=PATIENCE_S, stop_after=1))) == 1
    company.run_until_quiet()


@contextmanager
def away(company: Company, admin: Conn) -> Iterator[None]:
    """Let the database take no connection of workers, and end those that it has."""
    name = str(conninfo_to_dict(company.dsn)["dbname"])
    admin.execute(f"alter database {name} with allow_connections false".encode())
    admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and application_name = 'batchctl'",
        [name],
    )
    try:
        yield
    finally:
        admin.execute(f"alter database {name} with allow_connections true".encode())


def test_database_that_goes_away_is_waited_for(company: Company, office: Shell, pg_admin: Conn, tmp_path: Path) -> None:
    """It is said once that the database is away and once that it is back; the next batch is worked off as ever."""
    customer = company.customer(permanent=20)
    with at_work(office, tmp_path, BATCH_POLL_BACKOFF_SECONDS="0,0,0") as worker:
        asleep(worker)
        company.world.db.close()
        with away(company, pg_admin):
            until(lambda: "no pass can begin" in worker.said(), "said that it is away")
            worker.passes_after(1)
            assert json.loads(worker.health.read_text())["exit_code"] == 69
        until(lambda: "passes can begin again" in worker.said(), "said that it is back")

        batch_id = company.enqueue(customer, 2)

        until(lambda: is_completed(company, batch_id), "completed")
        assert worker.said().count("error: ") == worker.said().count("no pass can begin") == 1


def test_database_that_is_away_at_first_is_waited_for(
    company: Company, office: Shell, pg_admin: Conn, tmp_path: Path
) -> None:
    """A worker that starts before its database waits for it, and can be stopped meanwhile."""
    company.world.db.close()
    with away(company, pg_admin):
        with at_work(office, tmp_path) as worker:
            until(lambda: "waiting for it" in worker.said(), "said that it waits")
            assert worker.stop(signal.SIGINT) == 130
        with at_work(office, tmp_path) as worker:
            until(lambda: "waiting for it" in worker.said(), "said that it waits")
            assert worker.process.poll() is None
            pg_admin.execute(
                f"alter database {conninfo_to_dict(company.dsn)['dbname']} with allow_connections true".encode()
            )
            until(lambda: "the worker is ready" in worker.said(), "ready")
            assert worker.said().count("error: ") == 1


def test_finding_does_not_end_the_worker_and_is_told_once(company: Company, office: Shell, tmp_path: Path) -> None:
    """A pass that finds fault is told in one line, not in each pass, and the work goes on."""
    company.provider.status = Answer(status=401, body=b'{"code": -1, "msg": "unauthorized: sk-test"}')
    company.enqueue(company.customer(permanent=20), 2)
    with at_work(office, tmp_path) as worker:
        until(lambda: "the provider refuses our account" in worker.said(), "told")
        worker.passes_after(3)

        assert worker.process.poll() is None
        assert worker.said().count("the provider refuses our account") == 1
        assert "sk-test" not in worker.said()


@pytest.mark.parametrize("setting", ["BATCHCTL_DATABASE_URL", "GRSAI_API_KEY"])
def test_missing_setting_is_78(office: Shell, setting: str) -> None:
    """What a long-lived process can never get later is told at once."""
    ran = office.run("worker", **{setting: ""})

    assert (ran.code, ran.out) == (78, "")
    assert ran.err.count("\n") == 1
    assert setting in ran.err


def test_schema_that_is_not_ours_is_78(office: Shell, empty_dsn: str) -> None:
    """A worker does not start on a database that is not migrated, and says what to do."""
    ran = office.run("worker", "--log-format", "json", BATCHCTL_DATABASE_URL=empty_dsn)

    line = json.loads(ran.err)
    assert (ran.code, line["level"], line["exit_code"]) == (78, "error", 78)
    assert "batchctl migrate" in line["message"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stop_finishes_what_is_in_flight(
    company: Company, office: Shell, tmp_path: Path, number: int, code: int
) -> None:
    """After the first signal nothing new is sent, and what is in flight is recorded."""
    company.enqueue(company.customer(permanent=500), [f"clip {n} [sim: submit_latency=0.6]" for n in range(50)])
    with at_work(office, tmp_path, BATCH_PROVIDER_CONCURRENCY="4") as worker:
        until(lambda: bool(company.provider.journal.submissions), "sending")

        assert worker.stop(number) == code

    (counts,) = company.sql(
        "select count(*) filter (where grsai_task_id is not null) as sent,"
        " count(*) filter (where status = 'processing' and grsai_task_id is null) as in_doubt from video_tasks"
    )
    assert counts.sent == len(company.provider.journal.accepted) <= 8
    assert counts.in_doubt == 0


def test_second_signal_ends_it_at_once(company: Company, office: Shell, tmp_path: Path) -> None:
    """Who asks twice does not wait for a slow answer; the submission is left to BATCH_ORPHAN_POLICY."""
    company.enqueue(company.customer(permanent=10), ["slow [sim: submit_latency=8]"])
    with at_work(office, tmp_path, GRSAI_TIMEOUT_MS="20000") as worker:
        until(lambda: bool(company.provider.journal.submissions), "sending")
        worker.process.send_signal(signal.SIGINT)  # of two equal ones the second may be lost
        began_s = time.monotonic()

        assert worker.stop() in {130, 143}

        assert time.monotonic() - began_s < 4


def test_kill_loses_nothing(company: Company, office: Shell, tmp_path: Path) -> None:
    """A worker that is killed leaves what the next one finds and brings to its end."""
    batch_id = company.enqueue(company.customer(permanent=20), ["a [sim: polls=2]", "b"])
    with at_work(office, tmp_path, BATCH_POLL_BACKOFF_SECONDS="2,0,0") as worker:
        until(lambda: all(task.grsai_task_id for task in company.tasks(batch_id)), "sent")
        worker.process.kill()
        worker.process.wait()
    with at_work(office, tmp_path, BATCH_POLL_BACKOFF_SECONDS="0,0,0"):
        until(lambda: company.batch(batch_id).webhook_status == "sent", "told")

    assert is_completed(company, batch_id)


def test_task_is_asked_at_most_once_a_second(company: Company, office: Shell, tmp_path: Path) -> None:
    """Waits of 0 s mean the next pass, and no sooner than a second later (contract §4)."""
    batch_id = company.enqueue(company.customer(permanent=10), ["a [sim: polls=3]"])
    with at_work(office, tmp_path, BATCH_POLL_BACKOFF_SECONDS="0,0,0"):
        until(lambda: is_completed(company, batch_id), "completed")

    asked_s = [poll.at_s for poll in company.provider.journal.polls]
    assert len(asked_s) == 3
    assert all(later - sooner >= 1 for sooner, later in pairwise(asked_s))


def test_log_lines_are_json_with_the_id_of_the_pass(company: Company, office: Shell, tmp_path: Path) -> None:
    """Each line is one object; what a pass did carries its figures, and the id that its row of `runs` has."""
    batch_id = company.enqueue(company.customer(permanent=20), 2)
    with at_work(office, tmp_path, "--log-format", "json") as worker:
        until(lambda: all(task.grsai_task_id for task in company.tasks(batch_id)), "sent")
        worker.passes_after(1)
        assert worker.stop() == 143
        lines: list[dict[str, Any]] = [json.loads(line) for line in worker.said().splitlines()]

    assert all({"time", "level", "message"} <= line.keys() for line in lines)
    (dispatched,) = (line for line in lines if line.get("stage") == "dispatch")
    assert (dispatched["claimed"], dispatched["credits_frozen"], dispatched["tasks_started"]) == (1, 20, 2)
    assert dispatched["pass_id"] in [str(row.pass_id) for row in company.sql("select pass_id from runs")]


def test_health_file_tells_of_the_last_pass(company: Company, office: Shell, tmp_path: Path) -> None:
    """The file is whole whenever it is read, may be read by all, and is new after each pass."""
    company.enqueue(company.customer(permanent=20), 2)
    with at_work(office, tmp_path) as worker:
        until(worker.health.exists, "written")
        first = json.loads(worker.health.read_text())
        worker.passes_after(1)
        second = json.loads(worker.health.read_text())
        assert worker.health.stat().st_mode & 0o777 == 0o644
        assert first["process_id"] == worker.process.pid

    assert (first["schema"], first["exit_code"], first["dispatch"]["claimed"]) == ("batchctl/health/1", 0, 1)
    assert second["ended_at"] > first["ended_at"]
    assert second["pass_id"] != first["pass_id"]
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")] == []


def test_files_that_cannot_be_written_stop_nothing(company: Company, office: Shell, tmp_path: Path) -> None:
    """It is said once, and the work is done."""
    batch_id = company.enqueue(company.customer(permanent=10), 1)
    options = ["--metrics-file", "/dev/null/batchctl.prom"]
    with at_work(office, tmp_path, *options, BATCH_POLL_BACKOFF_SECONDS="0,0,0") as worker:
        until(lambda: is_completed(company, batch_id), "completed")
        until(lambda: "/dev/null/batchctl.prom cannot be written" in worker.said(), "told")
        worker.passes_after(1)

        assert worker.process.poll() is None
        assert worker.said().count("cannot be written") == 1


def test_metrics_file_is_written(company: Company, office: Shell, tmp_path: Path) -> None:
    """The worker leaves its figures where it is told to."""
    metrics = tmp_path / "batchctl.prom"
    with at_work(office, tmp_path, "--metrics-file", str(metrics)):
        until(metrics.exists, "written")

    assert "batchctl_database_up 1\n" in metrics.read_text()
    assert company.batch(company.enqueue(company.customer(), 1)).status == "queued"
    company.run_until_quiet()


def test_systemd_is_told(company: Company, office: Shell, tmp_path: Path) -> None:
    """READY=1 when it works, WATCHDOG=1 with each pass and in time while it sleeps, STOPPING=1 in the end."""
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(PATIENCE_S)
        with at_work(office, tmp_path, NOTIFY_SOCKET=address, WATCHDOG_USEC="3000000") as worker:
            assert [systemd.recv(100) for _ in range(2)] == [b"READY=1", b"WATCHDOG=1"]
            signs = [(systemd.recv(100), time.monotonic()) for _ in range(2)]
            assert {sign for sign, _ in signs} == {b"WATCHDOG=1"}
            assert all(later - sooner < 3 for (_, sooner), (_, later) in pairwise(signs))
            assert worker.stop() == 143
            last = systemd.recv(100)
            while last == b"WATCHDOG=1":
                last = systemd.recv(100)
            assert last == b"STOPPING=1"
    assert company.sql("select count(*) as n from runs")[0].n == 0


@pytest.mark.skipif(
    shutil.which("pgbouncer", path="/usr/bin:/usr/sbin:/usr/local/bin") is None, reason="PgBouncer is not installed"
)
def test_behind_a_pooler_it_goes_by_the_clock(company: Company, office: Shell, pg_server: Any, tmp_path: Path) -> None:
    """Nobody can be woken there: it says so once, looks every few seconds, and does the same work."""
    server = make_conninfo(host=pg_server.host, port=pg_server.port, user=pg_server.user)
    tmp_path.chmod(0o755)
    with ExitStack() as stack:
        port = stack.enter_context(pooler(server, tmp_path))
        pooled = make_conninfo(company.dsn, host="127.0.0.1", port=port)
        settings = {"BATCHCTL_DATABASE_URL": pooled, "BATCH_POLL_BACKOFF_SECONDS": "0,0,0"}
        worker = stack.enter_context(at_work(office, tmp_path, **settings))
        worker.passes_after(1)

        batch_id = company.enqueue(company.customer(permanent=10), 1)

        until(lambda: is_completed(company, batch_id), "completed")
        assert worker.said().count("pooler") == 1


def test_queue_that_stood_still_is_taken_up_without_a_word(company: Company, office: Shell, tmp_path: Path) -> None:
    """While a batch waits to be claimed no other is announced, so the worker looks every few seconds then."""
    paused = ("dispatch", company.clock.now, "op", "desk", "x")
    company.sql("insert into pauses (stage, paused_at, os_user, host, reason) values (%s, %s, %s, %s, %s)", *paused)
    batch_id = company.enqueue(company.customer(permanent=10), 1)
    with at_work(office, tmp_path, BATCH_POLL_BACKOFF_SECONDS="0,0,0") as worker:
        asleep(worker)
        assert worker.said().count("paused by op@desk") == 1

        company.sql("delete from pauses")

        until(lambda: is_completed(company, batch_id), "completed")
