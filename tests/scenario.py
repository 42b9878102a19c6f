"""A company at work for tests: a migrated database, a simulated provider and receiver, a clock that tests move.

Every scenario ends with the audit: each of its checks must find nothing.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import RowFactory, namedtuple_row

from batchctl.db import Database
from batchctl.domain.audit import CheckResult
from batchctl.domain.clock import Clock
from batchctl.domain.limits import Limits
from batchctl.domain.report import PassReport, judged
from batchctl.domain.wire import Http, HttpClient
from batchctl.gateways.courier import Courier
from batchctl.gateways.grsai import Grsai
from batchctl.gateways.http import ThreadedHttp
from batchctl.service import audit
from batchctl.service.run_once import run_once
from batchctl.service.world import World, start_pass
from batchctl.simulator.provider import SimulatedProvider
from batchctl.simulator.receiver import Receiver
from batchctl.simulator.server import Request
from batchctl.vault import FernetVault

SECRET = "test-secret"
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
"""Seals customers' secrets in tests."""
PLACES = 20


class MovableClock:
    """The time of a scenario: it stands still until it is moved; sleeping moves it."""

    def __init__(self) -> None:
        """Start at the real time, which the database gives to new rows."""
        self.now = datetime.now(UTC)
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        """Return the current instant."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.now += timedelta(seconds=seconds)

    def sleep(self, seconds: float) -> None:
        """Move on, and remember how long."""
        self.slept.append(seconds)
        self.advance(seconds)


def violations(conn: psycopg.Connection[Any], clock: Clock, limits: Limits) -> list[CheckResult]:
    """Run the audit and return the checks that find something."""
    report = audit.look(
        conn,
        audit.checks().checks,
        since=None,
        now=clock(),
        max_poll_count=limits.max_poll_count,
        offender_limit=audit.FIRST_OFFENDERS,
    )
    return list(report.broken)


class Company:
    """One scenario: customers enqueue, passes run, time moves, books are looked at."""

    def __init__(
        self, dsn: str, world: World, clock: MovableClock, provider: SimulatedProvider, receiver: Receiver
    ) -> None:
        """Take what `at_work` built."""
        self.dsn = dsn
        self.world = world
        self.clock = clock
        self.provider = provider
        self.receiver = receiver
        self.conn: psycopg.Connection[Any] = psycopg.connect(
            dsn, autocommit=True, row_factory=cast("RowFactory[Any]", namedtuple_row)
        )
        self.settings: dict[str, Any] = {}
        self.when_asked: Callable[[Request], object] = lambda _: None
        """Called in a thread of the provider for each request, before anything is done about it."""
        self.when_told: Callable[[Request], object] = lambda _: None
        """Called in a thread of the receiver for each request, before it is answered."""
        self.tries_cut_short = 0
        """Webhook tries of workers that this test killed: they alone never come to an end."""

    def talk_to_provider(
        self, *, host: str | None = None, timeout_ms: int = 2000, callback_base_url: str | None = None
    ) -> None:
        """Change how this scenario's worker talks to the provider."""
        provider = Grsai(
            host=host or self.provider.base_url,
            api_key="sk-test",
            timeout_ms=timeout_ms,
            callback_base_url=callback_base_url,
            clock=self.clock,
        )
        self.world = replace(self.world, provider=provider)

    def limit(self, **limits: Any) -> None:
        """Change limits of this scenario's worker."""
        self.world = replace(self.world, limits=replace(self.world.limits, **limits))

    def customer(self, permanent: int = 0, bonus: int = 0, bonus_days: float | None = 1.0) -> UUID:
        """Open a wallet with credits, and the ledger rows that explain them; the bonus expires in `bonus_days`."""
        user_id = uuid4()
        expires_at = None if bonus_days is None else self.clock.now + timedelta(days=bonus_days)
        self.conn.execute(
            "insert into credit_wallet (user_id, permanent_credits, bonus_credits, bonus_expires_at)"
            " values (%s, %s, %s, %s)",
            [user_id, permanent, bonus, expires_at],
        )
        for kind, amount in (("purchase", permanent), ("bonus_grant", bonus)):
            if amount:
                self.conn.execute(
                    "insert into credit_ledger (user_id, type, credits_delta) values (%s, %s, %s)",
                    [user_id, kind, amount],
                )
        return user_id

    def enqueue(
        self,
        user_id: UUID,
        prompts: int | Sequence[str],
        *,
        cost: int | None = 10,
        total: int | None = -1,
        webhook: str | None = "/hook",
        models: Sequence[str | None] | None = None,
    ) -> UUID:
        """Enqueue a batch as an application does; `prompts` may be a number of plain ones. `total` may be a lie."""
        texts = [f"clip {number}" for number in range(prompts)] if isinstance(prompts, int) else list(prompts)
        url = None if webhook is None else webhook if "://" in webhook else f"{self.receiver.base_url}{webhook}"
        with self.conn.transaction():
            row = self.conn.execute(
                "insert into batch_jobs (user_id, status, total_count, cost_per_video, webhook_url)"
                " values (%s, 'queued', %s, %s, %s) returning id",
                [user_id, len(texts) if total == -1 else total, cost, url],
            ).fetchone()
            assert row is not None
            batch_id: UUID = row.id
            self.add_tasks(batch_id, user_id, texts, models=models)
        return batch_id

    def add_tasks(
        self,
        batch_id: UUID,
        user_id: UUID,
        prompts: Sequence[str],
        *,
        first: int = 0,
        models: Sequence[str | None] | None = None,
    ) -> None:
        """Insert tasks of a batch."""
        with self.conn.cursor() as cursor:
            cursor.executemany(
                "insert into video_tasks (user_id, batch_job_id, batch_index, prompt, model)"
                " values (%s, %s, %s, %s, %s)",
                [
                    (user_id, batch_id, first + index, prompt, models[index] if models else "sora-2")
                    for index, prompt in enumerate(prompts)
                ],
            )

    def run_pass(self, deadline_s: float | None = None) -> PassReport:
        """Run one pass a moment later, so that no two passes begin at the same instant."""
        self.clock.advance(0.001)

        def broken(error: Exception) -> None:
            raise error

        return judged(run_once(self.world, start_pass(self.world, deadline_s), broken))

    def run_until_quiet(self, *, step_s: float = 31, max_passes: int = 80) -> list[PassReport]:
        """Run passes, `step_s` apart, until every batch has ended and every event is delivered or given up."""
        reports: list[PassReport] = []
        for _ in range(max_passes):
            reports.append(self.run_pass())
            if not self.is_open():
                return reports
            self.clock.advance(step_s)
        raise AssertionError(f"still open after {max_passes} passes: {reports[-1]}")

    def is_open(self) -> bool:
        """Say whether a batch has not ended or an event is still to be delivered."""
        row = self.conn.execute(
            "select exists (select from batch_jobs where status in ('queued', 'processing'))"
            " or exists (select from webhook_deliveries where status in ('pending', 'retrying')) as open"
        ).fetchone()
        assert row is not None
        return bool(row.open)

    def batch(self, batch_id: UUID) -> Any:
        """Return the row of a batch."""
        return self.conn.execute("select * from batch_jobs where id = %s", [batch_id]).fetchone()

    def tasks(self, batch_id: UUID) -> list[Any]:
        """Return the rows of a batch's tasks in order."""
        return self.conn.execute(
            "select * from video_tasks where batch_job_id = %s order by batch_index", [batch_id]
        ).fetchall()

    def wallet(self, user_id: UUID) -> tuple[int, int]:
        """Return permanent and bonus credits."""
        row = self.conn.execute(
            "select permanent_credits, bonus_credits from credit_wallet where user_id = %s", [user_id]
        ).fetchone()
        assert row is not None
        return row.permanent_credits, row.bonus_credits

    def ledger(self, batch_id: UUID) -> list[tuple[str, str, int]]:
        """Return what the ledger says of a batch: kind, bucket, credits."""
        rows = self.conn.execute(
            "select ref_type, bucket, credits_delta from credit_ledger where ref_id = %s order by id", [str(batch_id)]
        ).fetchall()
        return [tuple(row) for row in rows]

    def sql(self, statement: str, *params: object) -> list[Any]:
        """Run a statement as another program would, and return its rows."""
        cursor = self.conn.execute(statement.encode(), params)
        return cursor.fetchall() if cursor.description else []

    def deliveries(self, batch_id: UUID) -> list[Any]:
        """Return the rows of a batch's events."""
        return self.sql("select * from webhook_deliveries where batch_job_id = %s order by created_at", batch_id)

    def tries(self, batch_id: UUID) -> list[Any]:
        """Return the rows of all tries to deliver a batch's events, in order."""
        return self.sql(
            "select a.* from delivery_attempts as a inner join webhook_deliveries as d on d.id = a.delivery_id"
            " where d.batch_job_id = %s order by a.started_at, a.attempt",
            batch_id,
        )

    @contextmanager
    def other_worker(self) -> Iterator[World]:
        """Give the world of a second worker: the same limits and clock, connections of its own."""
        with ExitStack() as stack:
            yield replace(
                self.world,
                db=stack.enter_context(closing(Database(self.dsn, self.clock.sleep))),
                provider_http=stack.enter_context(closing(provider_client())),
                webhook_http=stack.enter_context(closing(ThreadedHttp(PLACES))),
            )

    def start_process(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        """Start batchctl as a process of its own, which works by real time, on this scenario's database."""
        environment = {
            "BATCHCTL_HTTP_CLIENT": os.environ.get("BATCHCTL_HTTP_CLIENT", HttpClient.HTTPX),
            "BATCHCTL_DATABASE_URL": self.dsn,
            "GRSAI_HOST": self.provider.base_url,
            "GRSAI_API_KEY": "sk-test",
            "GRSAI_TIMEOUT_MS": "2000",
            "ENTERPRISE_WEBHOOK_SECRET": SECRET,
            "ENTERPRISE_WEBHOOK_TIMEOUT_MS": "1000",
            "ENTERPRISE_WEBHOOK_ALLOW_INSECURE": "true",
        } | settings
        command = [sys.executable, "-m", "batchctl", *arguments]
        return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def await_blocked(self, sessions: int = 1) -> list[Any]:
        """Wait until so many sessions of this database wait for a lock; return pid, query and blocked_by of each."""
        rows: list[Any] = []
        for _ in range(1000):
            rows = self.sql(
                "select pid, query, pg_blocking_pids(pid) as blocked_by from pg_stat_activity"
                " where datname = current_database() and wait_event_type = 'Lock' order by pid"
            )
            if len(rows) >= sessions:
                return rows
            time.sleep(0.005)
        raise AssertionError(f"{len(rows)} sessions wait for a lock, {sessions} should")

    def check(self) -> None:
        """Assert what the audit guards, and the oracles of the provider and the receiver."""
        broken = violations(self.conn, self.clock, self.world.limits)
        assert broken == [], broken
        assert len(self.sql("select 1 from delivery_attempts where duration_ms is null")) == self.tries_cut_short
        assert self.receiver.journal.ids_with_differing_bodies() == set()
        assert self.receiver.journal.badly_signed() == ()


def provider_client() -> Http:
    """Build the client that BATCHCTL_HTTP_CLIENT names: with `curl` the whole suite speaks to the provider by it."""
    if os.environ.get("BATCHCTL_HTTP_CLIENT") == HttpClient.CURL:
        from batchctl.gateways.curl import CurlHttp  # noqa: PLC0415 - an extra

        return CurlHttp(PLACES)
    return ThreadedHttp(PLACES)


@contextmanager
def at_work(dsn: str, **courier: Any) -> Iterator[Company]:
    """Build a scenario on a migrated database and check its books at the end."""
    clock = MovableClock()
    company: Company

    def asked(request: Request) -> None:
        company.when_asked(request)

    def told(request: Request) -> None:
        company.when_told(request)

    with ExitStack() as stack:
        provider = stack.enter_context(SimulatedProvider(api_key="sk-test", on_request=asked))
        receiver = stack.enter_context(Receiver(secret=SECRET, on_request=told))
        db = stack.enter_context(closing(Database(dsn, clock.sleep)))
        settings: dict[str, Any] = {"allow_insecure": True, "allow_unsigned": False, "default_secret": SECRET}
        settings |= {"timeout_ms": 1000} | courier
        world = World(
            db=db,
            clock=clock,
            patient_clock=clock,
            sleep=clock.sleep,
            random=Random(7),
            limits=Limits(webhook_timeout_ms=1000, provider_timeout_ms=2000),
            provider=Grsai(
                host=provider.base_url, api_key="sk-test", timeout_ms=2000, callback_base_url=None, clock=clock
            ),
            provider_http=stack.enter_context(closing(provider_client())),
            courier=Courier(clock=clock, **settings),
            webhook_http=stack.enter_context(closing(ThreadedHttp(PLACES))),
            vault=FernetVault([KEY]),
            signs_by_default=settings["default_secret"] is not None or settings["allow_unsigned"],
        )
        company = Company(dsn, world, clock, provider, receiver)
        stack.callback(company.conn.close)
        yield company
        company.check()
