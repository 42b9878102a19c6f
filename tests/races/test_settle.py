"""Settlement against other sessions: settlers, writers of tasks, and a worker that is killed at the worst moment."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from batchctl.db import Database
from batchctl.domain.report import SettleReport
from batchctl.service.dispatch import dispatch
from batchctl.service.poll import poll
from batchctl.service.settle import settle
from batchctl.service.world import start_pass
from tests.scenario import Company

BAD = "bad [sim: fail=error]"


def finish(company: Company) -> None:
    """Have everything that is queued sent and asked for, and nothing settled."""
    dispatch(company.world, start_pass(company.world, None))
    company.clock.advance(5)
    poll(company.world, start_pass(company.world, None))


def finished(company: Company, user_id: UUID, batches: int = 1) -> list[UUID]:
    """Enqueue batches that fail, and bring them to where every task is finished."""
    batch_ids = [company.enqueue(user_id, [BAD]) for _ in range(batches)]
    finish(company)
    return batch_ids


@contextmanager
def settling(company: Company, user_id: UUID) -> Iterator[Future[SettleReport]]:
    """Hold a settlement in the middle, batches locked and wallet waited for, and let it go on when the block ends."""
    with psycopg.connect(company.dsn) as holder, ThreadPoolExecutor(1) as threads:
        holder.execute("select from credit_wallet where user_id = %s for update", [user_id])
        future = threads.submit(settle, company.world)
        company.await_blocked()
        yield future
        holder.rollback()
        future.result()


def blockers(waiting: list[Any], query: str) -> set[int]:
    """Return the sessions that block the one that waits with this query."""
    return {pid for row in waiting if query in row.query for pid in row.blocked_by}


def test_second_settler_skips_what_is_being_settled(company: Company) -> None:
    """It does not wait for batches that another one holds, and leaves them to it."""
    customer = company.customer(permanent=20)
    finished(company, customer, 2)
    with company.other_worker() as other, settling(company, customer) as first:
        assert settle(other) == SettleReport()
    assert first.result() == SettleReport(settled=2, credits_refunded=20)
    assert company.wallet(customer) == (20, 0)


def test_second_settler_waits_for_the_same_wallet(company: Company) -> None:
    """Two batches of one customer, two settlers: the second waits for the wallet and goes on from the new balance."""
    customer = company.customer(permanent=20)
    finished(company, customer, 2)
    company.limit(max_settle=1)
    with ThreadPoolExecutor(1) as threads, company.other_worker() as other:
        with settling(company, customer) as first:
            second = threads.submit(settle, other)
            waiting = company.await_blocked(2)
            assert all("credit_wallet" in row.query for row in waiting)
        assert first.result() == second.result() == SettleReport(settled=1, credits_refunded=10)
    assert company.wallet(customer) == (20, 0)
    rows = company.sql("select balance_after from credit_ledger where ref_type = 'batch_refund' order by id")
    assert [row.balance_after for row in rows] == [10, 20]


def test_late_writer_of_tasks_waits_and_is_refused(company: Company) -> None:
    """A task that is added while its batch is being settled waits for the end of that, and is then refused."""
    customer = company.customer(permanent=10)
    (batch_id,) = finished(company, customer)
    with psycopg.connect(company.dsn, autocommit=True) as writer, ThreadPoolExecutor(1) as threads:
        with settling(company, customer):
            (settler,) = company.await_blocked()
            late = threads.submit(
                writer.execute,
                "insert into video_tasks (user_id, batch_job_id, batch_index) values (%s, %s, 1)",
                [customer, batch_id],
            )
            assert blockers(company.await_blocked(2), "insert into video_tasks") == {settler.pid}
        with pytest.raises(psycopg.errors.IntegrityError, match="takes no more tasks"):
            late.result()
    assert (company.batch(batch_id).task_count, len(company.tasks(batch_id))) == (1, 1)


def test_late_verdict_is_refused_during_settlement(company: Company) -> None:
    """What a settlement counts cannot change under it: a verdict is final before any settler sees the batch."""
    customer = company.customer(permanent=10)
    (batch_id,) = finished(company, customer)
    success = (
        "update video_tasks set status = 'succeeded', failure_type = null, error_message = null,"
        " video_url = 'https://late.example/a.mp4' where batch_job_id = %s"
    )
    with settling(company, customer), pytest.raises(psycopg.errors.IntegrityError, match="is failed and stays so"):
        company.sql(success, batch_id)
    with pytest.raises(psycopg.errors.IntegrityError, match="is failed and stays so"):
        company.sql(success, batch_id)
    assert (company.batch(batch_id).status, company.wallet(customer)) == ("failed", (10, 0))


def test_last_verdict_and_settlement_exclude_each_other(company: Company) -> None:
    """While a verdict is not committed its batch is not ready; afterwards it is settled with that verdict."""
    customer = company.customer(permanent=20)
    batch_id = company.enqueue(customer, ["fine", "open [sim: never]"])
    finish(company)
    with psycopg.connect(company.dsn) as writer:
        writer.execute(
            "update video_tasks set status = 'succeeded', video_url = 'https://a.example/b.mp4', completed_at = %s,"
            " video_url_seen_at = %s where batch_job_id = %s and status = 'processing'",
            [company.clock.now, company.clock.now, batch_id],
        )
        assert settle(company.world) == SettleReport()
        writer.commit()
        assert settle(company.world) == SettleReport(settled=1, credits_spent=20)


def test_customers_own_payment_waits_and_both_are_booked(company: Company) -> None:
    """Another program that tops the wallet up while a refund is on its way loses nothing, and neither do we."""
    customer = company.customer(permanent=10)
    finished(company, customer)
    with psycopg.connect(company.dsn) as shop, ThreadPoolExecutor(1) as threads:
        shop.execute(
            "update credit_wallet set permanent_credits = permanent_credits + 100 where user_id = %s", [customer]
        )
        shop.execute(
            "insert into credit_ledger (user_id, type, credits_delta) values (%s, 'purchase', 100)", [customer]
        )
        future = threads.submit(settle, company.world)
        company.await_blocked()
        shop.commit()
        assert future.result().credits_refunded == 10
    assert company.wallet(customer) == (110, 0)


def test_worker_killed_after_the_settlement_leaves_the_event(company: Company) -> None:
    """Killed between the commit of a settlement and its first webhook try: the next pass tells the customer, once."""
    customer = company.customer(permanent=10)
    (batch_id,) = finished(company, customer)
    company.sql(
        "create or replace function get_enterprise_webhook_for_batch(p_batch_id uuid)"
        " returns table (url text, secret text) language sql as $$"
        " select b.webhook_url, null::text from pg_advisory_xact_lock(42), batch_jobs as b where b.id = p_batch_id $$"
    )
    with psycopg.connect(company.dsn) as gate:
        gate.execute("select pg_advisory_xact_lock(42)")
        process = company.start_process("run-once")
        (waiting,) = company.await_blocked()
        process.kill()
        process.communicate()
        company.sql("select pg_terminate_backend(%s, 5000)", waiting.pid)
    assert process.returncode == -9
    batch = company.batch(batch_id)
    assert (batch.settlement_status, batch.webhook_status, company.wallet(customer)) == ("refunded", "pending", (10, 0))
    (event,) = company.deliveries(batch_id)
    assert (event.status, event.attempts, company.receiver.connections) == ("pending", 0, 0)

    company.clock.now = datetime.now(UTC) + timedelta(seconds=1)  # noqa: TID251 - the killed worker lived by real time
    assert company.run_pass().webhook.sent == 1

    assert company.receiver.journal.delivered() == {str(event.id)}
    assert (company.wallet(customer), len(company.ledger(batch_id))) == ((10, 0), 2)


def test_settlers_side_by_side_settle_each_batch_once(company: Company) -> None:
    """Four settlers, forty batches of four customers: every batch once, every credit back, no settler fails."""
    company.limit(max_claim=100, max_settle=3, max_poll=100)
    customers = [company.customer(permanent=100) for _ in range(4)]
    for customer in customers:
        for _ in range(10):
            company.enqueue(customer, [BAD], webhook=None)
    finish(company)

    def work() -> int:
        with company.other_worker() as world:
            done = 0
            while (report := settle(world)).settled or is_open():
                done += report.settled
            return done

    def is_open() -> bool:
        return bool(company.sql("select 1 from batch_jobs where next_step = 'settle'"))

    with ThreadPoolExecutor(4) as threads:
        done = [future.result() for future in [threads.submit(work) for _ in range(4)]]
    assert sum(done) == 40
    assert {company.wallet(customer) for customer in customers} == {(100, 0)}


def test_locked_wallet_holds_up_no_other_customer(company: Company) -> None:
    """While another program holds one customer's wallet, others are settled, even where its batches come first."""
    company.limit(max_settle=2)
    busy, other = company.customer(permanent=20), company.customer(permanent=10)
    waiting = finished(company, busy, 2)
    (settled,) = finished(company, other)
    with (
        psycopg.connect(company.dsn) as holder,
        closing(Database(company.dsn, company.clock.sleep, session={"lock_timeout": "20ms"})) as db,
    ):
        holder.execute("select from credit_wallet where user_id = %s for update", [busy])
        report = settle(replace(company.world, db=db))
        assert (report.settled, report.findings) == (1, ())
        assert company.batch(settled).settlement_status == "refunded"
        assert {company.batch(batch_id).settlement_status for batch_id in waiting} == {"pending"}
    assert settle(company.world).settled == 2
