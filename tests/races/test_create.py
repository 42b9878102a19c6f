"""One request id, two at once: one batch, one grant; and a process that is stopped leaves none."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from batchctl.db import Database
from batchctl.domain.new_task import NewTask
from batchctl.service import wallet
from batchctl.service.create import create
from tests.conftest import Conn
from tests.scenario import Company

TASKS = [NewTask(prompt="a"), NewTask(prompt="b")]


@contextmanager
def key_taken(company: Company, user_id: UUID, request_id: str) -> Iterator[int]:
    """Hold the key of a request id in a transaction that is undone in the end; give the id of its session."""
    with psycopg.connect(company.dsn) as holder:
        holder.execute(
            "with batch as (insert into batch_jobs (user_id) values (%(user)s) returning id, user_id)"
            " insert into batch_requests (user_id, batch_job_id, request_id)"
            " select user_id, id, %(request)s from batch",
            {"user": user_id, "request": request_id},
        )
        yield holder.info.backend_pid
        holder.rollback()


def rows(company: Company) -> tuple[int, int, int]:
    """Count batches, tasks and request ids."""
    (row,) = company.sql(
        "select (select count(*) from batch_jobs) as a, (select count(*) from video_tasks) as b,"
        " (select count(*) from batch_requests) as c"
    )
    return row.a, row.b, row.c


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Give a batch file of two tasks."""
    path = tmp_path / "batch.jsonl"
    path.write_text('{"prompt": "a"}\n{"prompt": "b"}\n')
    return str(path)


def test_two_at_once_enqueue_one_batch(company: Company) -> None:
    """Both have found no batch under the id and written theirs; who takes the key first keeps it, the other undoes."""
    user = company.customer(permanent=20)
    with company.other_worker() as other, ThreadPoolExecutor(2) as threads:
        with key_taken(company, user, "r-1") as holder:
            running = [
                threads.submit(create, world, TASKS, user_id=user, cost_per_video=10, request_id="r-1")
                for world in (company.world, other)
            ]
            waiting = company.await_blocked(2)
            assert all("insert into batch_requests" in row.query for row in waiting)
            assert {pid for row in waiting for pid in row.blocked_by} >= {holder}
        reports = [future.result() for future in running]

    assert len({report.batch_id for report in reports}) == 1
    assert sorted(report.already_enqueued for report in reports) == [False, True]
    assert rows(company) == (1, 2, 1)
    company.run_until_quiet()


def test_two_processes_at_once_enqueue_one_batch(company: Company, file: str) -> None:
    """Two command lines with one request id print the same id, and both are done."""
    user = company.customer(permanent=20)
    order = ("batch", "create", file, "--user", str(user), "--cost-per-video", "10", "--request-id", "r-1")

    with key_taken(company, user, "r-1"):
        both = [company.start_process(*order) for _ in range(2)]
        company.await_blocked(2)
    streams = [process.communicate() for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert len({out for out, _ in streams}) == 1
    assert sorted(err for _, err in streams) == ["", "already enqueued under this request id: nothing was written\n"]
    assert rows(company) == (1, 2, 1)
    (batch,) = company.sql("select id from batch_jobs")
    assert streams[0][0] == f"{batch.id}\n"
    company.run_until_quiet()


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_stopped_process_leaves_nothing(company: Company, file: str, number: int, code: int) -> None:
    """A command line that is stopped while it writes leaves neither batch nor tasks, and says so."""
    user = company.customer(permanent=20)
    order = ("batch", "create", file, "--user", str(user), "--cost-per-video", "10", "--request-id", "r-1")

    with key_taken(company, user, "r-1"):
        process = company.start_process(*order)
        company.await_blocked()
        process.send_signal(number)
        out, err = process.communicate()

    assert (process.returncode, out) == (code, "")
    assert err == "interrupted: nothing of the batch was written\n"
    assert rows(company) == (0, 0, 0)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_stopped_grant_leaves_nothing(company: Company, number: int, code: int) -> None:
    """A grant that is stopped while it waits for the wallet gives nothing, and says so."""
    user = company.customer(permanent=20)
    with psycopg.connect(company.dsn) as holder:
        holder.execute("select from credit_wallet where user_id = %s for update", [user])
        process = company.start_process("wallet", "grant", str(user), "5", "--reason", "ticket", "--yes")
        company.await_blocked()
        process.send_signal(number)
        out, err = process.communicate()

    assert (process.returncode, out) == (code, "")
    assert err == "interrupted: nothing of the grant was written\n"
    assert company.wallet(user) == (20, 0)


def test_interrupted_after_the_commit_says_what_was_written(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who interrupts when the batch or the grant is written is told so, and by which id the batch is found."""
    user = company.customer(permanent=20)
    transact = Database.transact

    def then_interrupted(db: Database, work: Callable[[Conn], object]) -> None:
        transact(db, work)
        raise KeyboardInterrupt

    monkeypatch.setattr(Database, "transact", then_interrupted)
    with pytest.raises(KeyboardInterrupt) as created:
        create(company.world, TASKS, user_id=user, cost_per_video=10)
    with pytest.raises(KeyboardInterrupt) as granted:
        wallet.grant(company.world, user, 5, reason="ticket")
    monkeypatch.undo()

    (batch,) = company.sql("select id from batch_jobs")
    assert created.value.__notes__ == [f"but batch {batch.id} was written: do not repeat it"]
    assert granted.value.__notes__ == ["but the grant was written: do not repeat it"]
    company.run_until_quiet()


def test_two_at_once_grant_once(company: Company) -> None:
    """The wallet's lock makes the second grant wait and then find the first; a wallet is made once."""
    user = uuid4()
    with company.other_worker() as other, ThreadPoolExecutor(2) as threads:
        with psycopg.connect(company.dsn) as holder:
            holder.execute("insert into credit_wallet (user_id) values (%s)", [user])
            running = [
                threads.submit(wallet.grant, world, user, 10, reason="ticket", request_id="r-1")
                for world in (company.world, other)
            ]
            company.await_blocked(2)
            holder.rollback()
        reports = [future.result() for future in running]

    assert sorted(report.already_granted for report in reports) == [False, True]
    assert company.wallet(user) == (10, 0)


def test_grant_waits_for_a_freeze(company: Company) -> None:
    """A grant and a claim of one customer's credits go one after the other, and both balances are right."""
    user = company.customer(permanent=20)
    batch = company.enqueue(user, 2)
    with ThreadPoolExecutor(1) as threads:
        with psycopg.connect(company.dsn) as holder:
            holder.execute("select from credit_wallet where user_id = %s for update", [user])
            granting = threads.submit(wallet.grant, company.world, user, 5, reason="ticket")
            (waiting,) = company.await_blocked()
            assert "credit_wallet" in waiting.query
            holder.execute(
                "update credit_wallet set permanent_credits = permanent_credits - 1 where user_id = %s", [user]
            )
            holder.execute("insert into credit_ledger (user_id, type, credits_delta) values (%s, 'adjust', -1)", [user])
            holder.commit()
        assert granting.result().permanent_credits == 24
    company.run_until_quiet()
    assert company.batch(batch).status == "completed"
