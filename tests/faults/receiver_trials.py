"""Trials of receivers that do wrong: each lets events meet faults, heals the receivers, and judges what was heard."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from threading import Event
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict

from batchctl.gateways.courier import Courier
from batchctl.gateways.http import ThreadedHttp
from batchctl.simulator.answer import Answer, Manner
from batchctl.simulator.faults import fault_named
from batchctl.simulator.receiver import Receiver
from batchctl.simulator.server import Request
from tests.faults.endings import end_quietly, pass_of
from tests.faults.ground import Ground
from tests.faults.receiver_faults import FAMILIES, INTERNAL, TIMEOUT_MS, Faults, ReceiverFault, redirects
from tests.faults.trial import Kinds
from tests.scenario import SECRET, Company

DEAD_ENDPOINTS = 49
WEBHOOK_PLACES = 50
"""As many tries as a worker has in flight at once."""


def fault_trial(company: Company, faults: Faults) -> None:
    """Let each event meet a fault of its own; heal; judge the first try, the wait, and what was heard in the end."""
    prepare(company)
    batches: dict[str, UUID] = {}
    for number, (name, fault) in enumerate(faults.items()):
        path = f"/{number}"
        company.receiver.script(path, fault.fault)
        batches[name] = ended(company, path)
    company.run_pass()
    began = company.clock.now
    for name, fault in faults.items():
        _judge_first_try(company, name, fault, batches[name], began)

    end_quietly(company)

    for number, (name, fault) in enumerate(faults.items()):
        (delivery,) = company.deliveries(batches[name])
        assert delivery.status == ("failed" if fault.ends else "sent"), name
        heard = [entry for entry in company.receiver.journal.entries if entry.path == f"/{number}"]
        assert len(heard) == (1 if fault.delivers or fault.ends else 2), name
        assert {entry.webhook_id for entry in heard} == {str(delivery.id)}, name
        assert {entry.body for entry in heard} == {delivery.body.encode()}, name
    company.check()


def redirect_trial(company: Company) -> None:
    """Let receivers send events on, to a listener on an internal address too: nobody follows."""
    with Receiver(host=INTERNAL) as internal:
        elsewhere = f"{company.receiver.base_url}/elsewhere"
        fault_trial(company, redirects(f"{internal.base_url}/latest/meta-data", elsewhere))
        assert internal.connections == 0
    assert [entry for entry in company.receiver.journal.entries if entry.path == "/elsewhere"] == []


def prepare(company: Company, *, timeout_ms: int = TIMEOUT_MS, **courier: Any) -> None:
    """Set a company's limits: one try a pass, and a deadline that a trial can wait for."""
    fault_named("gzip_bomb")  # It is made once, which takes longer than an answer may.
    company.limit(webhook_quick_retries=0, max_claim=100, max_settle=100, webhook_timeout_ms=timeout_ms)
    settings: dict[str, Any] = {"allow_insecure": True, "allow_unsigned": False, "default_secret": SECRET} | courier
    company.world = replace(company.world, courier=Courier(clock=company.clock, timeout_ms=timeout_ms, **settings))


def ended(company: Company, webhook: str) -> UUID:
    """Enqueue a batch that the next pass ends, and of which it tells the customer: nobody can pay for it."""
    return company.enqueue(company.customer(), [f"refused {company.customer()}"], webhook=webhook)


def _judge_first_try(company: Company, name: str, fault: ReceiverFault, batch_id: UUID, began: Any) -> None:
    (delivery,) = company.deliveries(batch_id)
    (tried,) = company.tries(batch_id)
    assert tried.status_code == fault.status, (name, tried)
    assert (tried.error or "").startswith(fault.error or ""), (name, tried.error)
    assert (tried.error is None) == fault.delivers, (name, tried.error)
    least_ms, longest_ms = fault.duration_ms
    assert least_ms <= tried.duration_ms <= longest_ms, (name, tried.duration_ms)
    assert delivery.status == ("sent" if fault.delivers else "failed" if fault.ends else "retrying"), name
    if delivery.status == "retrying":
        least_s, longest_s = fault.wait_s
        assert least_s <= (delivery.next_attempt_at - began).total_seconds() <= longest_s, name


def database_away_trial(company: Company, admin: Connection[Any]) -> None:
    """Let the database go, for longer than a worker waits, when the receiver has answered: it hears the same again."""
    prepare(company)
    database = sql.Identifier(str(conninfo_to_dict(company.dsn)["dbname"]))
    letting_in = sql.SQL("alter database {} with allow_connections {}")

    def go_away(_: Request) -> None:
        company.when_told = lambda _: None
        admin.execute(letting_in.format(database, sql.SQL("false")))
        admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = %s and application_name = 'batchctl'",
            [conninfo_to_dict(company.dsn)["dbname"]],
        )

    company.when_told = go_away
    batch_id = ended(company, "/hook")
    try:
        assert [finding.exit_code for finding in company.run_pass().findings] == [69]
    finally:
        admin.execute(letting_in.format(database, sql.SQL("true")))
    company.tries_cut_short = 1
    end_quietly(company)
    (delivery,) = company.deliveries(batch_id)
    heard = company.receiver.journal.entries
    assert (delivery.status, delivery.attempts, len(heard)) == ("sent", 2, 2)
    assert {(entry.webhook_id, entry.body) for entry in heard} == {(str(delivery.id), delivery.body.encode())}
    company.check()


def deadline_trial(company: Company) -> None:
    """Let receivers answer just within and just beyond the usual deadline of 5 s, and byte by byte; takes so long."""
    prepare(company, timeout_ms=5000)
    company.limit(max_claim=9)
    paths = {"/a?latency=4.9": None, "/b": "TIMEOUT", "/c?sim=drip": None, "/d": "TIMEOUT"}
    company.receiver.script("/b", Answer(latency_s=5.1))
    company.receiver.script("/d", Answer(body=b" " * 1000, manner=Manner.DRIP))
    batches = {path: ended(company, path) for path in paths}
    company.run_pass()
    for path, error in paths.items():
        (tried,) = company.tries(batches[path])
        assert (tried.error or "").partition(":")[0] == (error or ""), path
        assert tried.duration_ms <= 5250
        assert error is None or tried.duration_ms >= 5000
    end_quietly(company)
    company.check()


def dead_crowd_trial(company: Company) -> None:
    """Let 49 of 50 receivers hang: the healthy one hears before they end, and another worker settles and tells."""
    prepare(company, timeout_ms=1500)
    company.enqueue(company.customer(permanent=10), ["paid"], webhook="/paid")
    company.run_pass()
    for number in range(DEAD_ENDPOINTS):
        ended(company, f"/dead/{number}?sim=hang&times=1")
    ended(company, "/healthy")
    is_settled, pooled = Event(), company.world.webhook_http
    given_up: dict[str, int] = {}

    def settle_meanwhile(request: Request) -> None:
        if not request.path.startswith("/dead/"):
            given_up[request.path] = len(looker.execute("select 1 from delivery_attempts where error <> ''").fetchall())
        if request.path.startswith("/dead/0?"):
            company.sql("update video_tasks set next_poll_at = null")
            pass_of(company, other)
            is_settled.set()

    company.when_told = settle_meanwhile
    with (
        closing(ThreadedHttp(WEBHOOK_PLACES)) as http,
        company.other_worker() as other,
        psycopg.connect(company.dsn, autocommit=True) as looker,
    ):
        company.world = replace(company.world, webhook_http=http)
        company.run_pass()
        assert is_settled.wait(5)
    assert given_up == {"/healthy": 0, "/paid": 0}, "the dead held them up"
    company.when_told = lambda _: None
    company.world = replace(company.world, webhook_http=pooled)
    end_quietly(company)
    assert len(company.receiver.journal.delivered()) == DEAD_ENDPOINTS + 2
    company.check()


def _alone(ground: Ground, seed: int) -> None:
    faults = {f"{family}: {name}": fault for family, made in FAMILIES.items() for name, fault in made().items()}
    name = [*faults][seed % len(faults)]
    with ground.company() as company:
        fault_trial(company, {name: faults[name]})


def _beside(ground: Ground, seed: int) -> None:
    trials: tuple[Callable[[Company], None], ...] = (
        redirect_trial,
        lambda company: database_away_trial(company, ground.admin),
        dead_crowd_trial,
        deadline_trial,
    )
    with ground.company() as company:
        trials[seed % len(trials)](company)


KINDS: Kinds = {
    "receiver fault": _alone,
    "receiver redirects, crowd, deadline": _beside,
}
