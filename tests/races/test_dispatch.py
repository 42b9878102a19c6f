"""Dispatchers against each other, on one wallet, on one batch, and on the places of the whole database."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg

from batchctl.db import Database
from batchctl.domain.report import DispatchReport
from batchctl.service.claim import Claims, claim
from batchctl.service.dispatch import dispatch
from batchctl.service.world import start_pass
from batchctl.simulator.server import Request
from tests.scenario import Company

STAYS = "clip [sim: never]"


@contextmanager
def held(company: Company, lock: str, *params: object) -> Iterator[psycopg.Connection[Any]]:
    """Hold a lock in a transaction of a session of its own, until the block ends."""
    with psycopg.connect(company.dsn) as holder:
        holder.execute(lock.encode(), params)
        yield holder
        holder.rollback()


@contextmanager
def dispatching_together(company: Company, lock: str, *params: object) -> Iterator[list[DispatchReport]]:
    """Run two dispatchers, both of which wait for that lock before either goes on; give their reports."""
    reports: list[DispatchReport] = []
    with company.other_worker() as other, ThreadPoolExecutor(2) as threads:
        with held(company, lock, *params):
            running = [threads.submit(dispatch, world, start_pass(world, None)) for world in (company.world, other)]
            company.await_blocked(2)
        reports += [future.result() for future in running]
        yield reports


def test_second_dispatcher_waits_for_the_wallet(company: Company) -> None:
    """Two dispatchers, two batches, credits for one: the second waits for the first's commit and then sees too few.

    The first is stopped in the middle of its freeze by another session's uncommitted row with the key of its own.
    """
    customer = company.customer(permanent=10)
    older, newer = (company.enqueue(customer, 1) for _ in range(2))
    company.limit(max_claim=1)
    freeze_row = (
        "insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id, bucket)"
        " values (%s, 'spend', -10, 'batch_upfront', %s, 'permanent')"
    )
    with company.other_worker() as other, ThreadPoolExecutor(2) as threads:
        with held(company, freeze_row, customer, str(older)) as holder:
            first = threads.submit(claim, company.world)
            (stopped,) = company.await_blocked()
            assert (stopped.blocked_by, "credit_ledger" in stopped.query) == ([holder.info.backend_pid], True)
            second: Future[Claims] = threads.submit(claim, other)
            waiting = {row.pid: row for row in company.await_blocked(2)}
            del waiting[stopped.pid]
            (behind,) = waiting.values()
            assert (behind.blocked_by, "from credit_wallet" in behind.query) == ([stopped.pid], True)
        assert (first.result().frozen, second.result().frozen) == (1, 0)
        assert second.result().refusals.total() == 1
    assert company.batch(older).status == "processing"
    assert company.batch(newer).last_error == "INSUFFICIENT_CREDITS"
    assert company.wallet(customer) == (0, 0)


def test_dispatchers_claim_different_batches(company: Company) -> None:
    """A dispatcher passes over what another one is just claiming, and takes the next batch without waiting."""
    users = [company.customer(permanent=10) for _ in range(2)]
    first, second = (company.enqueue(user, 1) for user in users)
    company.limit(max_claim=1)
    with company.other_worker() as other, ThreadPoolExecutor(1) as threads:
        with held(company, "select from credit_wallet where user_id = %s for update", users[0]):
            slow = threads.submit(claim, company.world)
            company.await_blocked()
            assert claim(other).frozen == 1
            assert company.batch(second).status == "processing"
            assert company.batch(first).status == "queued"
        assert slow.result().frozen == 1


def test_places_are_limited_over_all_workers(company: Company) -> None:
    """Two workers that ask for places at the same moment never have more than BATCH_MAX_IN_FLIGHT tasks together."""
    for _ in range(3):
        company.enqueue(company.customer(permanent=1000), [STAYS] * 20)
    company.limit(max_in_flight=15, max_start_per_batch=20)
    seen: list[int] = []
    looking = threading.Lock()
    with psycopg.connect(company.dsn, autocommit=True) as observer:

        def look(_request: Request) -> None:
            with looking:
                row = observer.execute("select count(*) from video_tasks where status = 'processing'").fetchone()
                assert row is not None
                seen.append(row[0])

        company.when_asked = look
        lock = "select pg_advisory_xact_lock(hashtext('batchctl places in flight'))"
        with dispatching_together(company, lock) as reports:
            assert sum(report.tasks_started for report in reports) == 15
    assert max(seen) == len(seen) == 15
    assert company.provider.journal.max_open_tasks == 15


def test_cap_of_a_batch_holds_over_all_workers(company: Company) -> None:
    """Workers that start tasks of one batch at the same time start no more than its cap together."""
    batch_id = company.enqueue(company.customer(permanent=1000), [STAYS] * 40)
    claim(company.world)
    with company.other_worker() as other, ThreadPoolExecutor(2) as threads:
        running = [threads.submit(dispatch, world, start_pass(world, None)) for world in (company.world, other)]
        assert sum(future.result().tasks_started for future in running) == 10
    assert company.batch(batch_id).tasks_in_flight == company.provider.journal.max_open_tasks == 10


def test_locked_batch_holds_up_no_other(company: Company) -> None:
    """While another session holds one batch, tasks of the others are sent; its own follow in a later pass."""
    locked, free = (company.enqueue(company.customer(permanent=10), 1) for _ in range(2))
    claim(company.world)
    with held(company, "select from batch_jobs where id = %s for update", locked):
        assert dispatch(company.world, start_pass(company.world, None)).tasks_started == 1
        assert company.batch(free).tasks_in_flight == 1
    assert company.run_pass().dispatch.tasks_started == 1


def test_locked_wallet_holds_up_no_other_customer(company: Company) -> None:
    """While another program holds one customer's wallet, others' batches are claimed; its own wait for a later pass."""
    busy, other = company.customer(permanent=10), company.customer(permanent=10)
    waiting, claimed = company.enqueue(busy, 1), company.enqueue(other, 1)
    with (
        held(company, "select from credit_wallet where user_id = %s for update", busy),
        closing(Database(company.dsn, company.clock.sleep, session={"lock_timeout": "20ms"})) as db,
    ):
        claims = claim(replace(company.world, db=db))
        assert (claims.frozen, claims.refusals.total(), claims.held) == (1, 0, [])
        assert [company.batch(batch_id).status for batch_id in (waiting, claimed)] == ["queued", "processing"]
    assert claim(company.world).frozen == 1


def test_tasks_inserted_during_the_claim_are_refused(company: Company) -> None:
    """An application that adds a task while its batch is being claimed waits for the claim, and is refused then."""
    customer = company.customer(permanent=100)
    batch_id: UUID = company.enqueue(customer, 1)
    insert = "insert into video_tasks (user_id, batch_job_id, batch_index) values (%s, %s, 1)"
    with ThreadPoolExecutor(2) as threads, psycopg.connect(company.dsn) as application:
        with held(company, "select from credit_wallet where user_id = %s for update", customer):
            claiming = threads.submit(claim, company.world)
            company.await_blocked()
            adding = threads.submit(application.execute, insert.encode(), [customer, batch_id])
            company.await_blocked(2)
        assert claiming.result().frozen == 1
        assert isinstance(adding.exception(10), psycopg.IntegrityError)
    assert company.batch(batch_id).task_count == 1
