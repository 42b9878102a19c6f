"""A database that is away for some seconds: what only this process knows is kept and written when it is back."""

from collections.abc import Callable, Iterator
from threading import Barrier

import pytest
from psycopg.conninfo import conninfo_to_dict

from batchctl import wiring
from batchctl.service.run_once import run_once
from batchctl.service.world import World, start_pass
from batchctl.settings import read_settings
from batchctl.simulator.server import Request
from tests.conftest import Conn
from tests.scenario import SECRET, Company

IN_FLIGHT = 5
OUTAGE_WAITS_S = [0.2, 0.5, 1.0]


class Outage:
    """The database lets nobody in and has thrown out all workers, until one of them has waited three times."""

    def __init__(self, admin: Conn, dsn: str) -> None:
        """Take a connection to another database of the server."""
        self._admin = admin
        self._name = str(conninfo_to_dict(dsn)["dbname"])
        self.slept: list[float] = []
        self.all_in_flight = Barrier(IN_FLIGHT, action=self.begin)
        """Passed when so many requests are in flight at once; the outage begins then."""

    def begin(self) -> None:
        """Throw the workers out."""
        self._admin.execute(f'alter database "{self._name}" with allow_connections false'.encode())
        self._admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = %s and application_name = 'batchctl'",
            [self._name],
        )

    def sleep(self, wait_s: float) -> None:
        """Wait for no time; the third wait ends the outage."""
        self.slept.append(wait_s)
        if len(self.slept) == len(OUTAGE_WAITS_S):
            self._admin.execute(f'alter database "{self._name}" with allow_connections true'.encode())


@pytest.fixture
def outage(company: Company, pg_admin: Conn, monkeypatch: pytest.MonkeyPatch) -> Outage:
    """Prepare an outage of the company's database, for a worker built as in production, but that does not sleep."""
    happening = Outage(pg_admin, company.dsn)
    monkeypatch.setattr(wiring, "sleep", happening.sleep)
    for name, value in {
        "BATCHCTL_DATABASE_URL": company.dsn,
        "GRSAI_HOST": company.provider.base_url,
        "GRSAI_API_KEY": "sk-test",
        "ENTERPRISE_WEBHOOK_SECRET": SECRET,
        "ENTERPRISE_WEBHOOK_ALLOW_INSECURE": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return happening


@pytest.fixture
def production(outage: Outage) -> Iterator[World]:
    """Give the world of that worker."""
    del outage
    with wiring.open_world(read_settings()) as world:
        yield world


def work(world: World) -> None:
    """Run one pass; a stage that finds the database away when it looks for more work says so, and that is all."""

    def broken(error: Exception) -> None:
        raise error

    run_once(world, start_pass(world, None), broken)


def waits_at(outage: Outage, path: str) -> Callable[[Request], object]:
    """Have the requests for a path wait until all of them are in flight; later ones pass."""
    left = [None] * IN_FLIGHT

    def wait(request: Request) -> None:
        if request.path.startswith(path) and left:
            left.pop()
            outage.all_in_flight.wait(timeout=10)

    return wait


def test_ids_of_submissions_in_flight_are_stored(company: Company, production: World, outage: Outage) -> None:
    """What the provider has accepted is not sent twice, nor given up, for the database was away when it said so."""
    batch_id = company.enqueue(company.customer(permanent=100), ["clip [sim: never]"] * IN_FLIGHT)
    company.when_asked = waits_at(outage, "/v1/video/sora-video")
    work(production)
    assert outage.slept == OUTAGE_WAITS_S
    tasks = company.tasks(batch_id)
    assert {task.grsai_task_id for task in tasks} == {sent.remote_id for sent in company.provider.journal.submissions}
    assert len({task.grsai_task_id for task in tasks}) == IN_FLIGHT


def test_answers_to_polls_in_flight_are_stored(company: Company, production: World, outage: Outage) -> None:
    """Each result is recorded by the pass that asked for it."""
    batch_id = company.enqueue(company.customer(permanent=100), IN_FLIGHT)
    company.run_pass()
    company.sql("update video_tasks set next_poll_at = null")
    company.when_asked = waits_at(outage, "/v1/draw/result")
    work(production)
    assert outage.slept == OUTAGE_WAITS_S
    assert {task.status for task in company.tasks(batch_id)} == {"succeeded"}
    assert len(company.provider.journal.polls) == IN_FLIGHT


def test_webhooks_that_were_posted_are_recorded(company: Company, production: World, outage: Outage) -> None:
    """What the customers have received is written down, and not posted again."""
    customer = company.customer()
    batches = [company.enqueue(customer, 1, webhook=f"/hook/{number}") for number in range(IN_FLIGHT)]
    company.when_told = waits_at(outage, "/hook")
    work(production)
    assert outage.slept == OUTAGE_WAITS_S
    assert {company.batch(batch_id).webhook_status for batch_id in batches} == {"sent"}
    assert len(company.receiver.journal.entries) == IN_FLIGHT


def test_late_looks_in_flight_are_recorded(company: Company, production: World, outage: Outage) -> None:
    """A result that comes after its task was failed is kept, too."""
    company.limit(max_poll_count=1)
    company.enqueue(company.customer(permanent=100), ["clip [sim: polls=2]"] * IN_FLIGHT)
    company.run_pass()
    company.clock.advance(5)
    company.run_pass()
    company.sql("update late_looks set next_look_at = now() - interval '1 minute'")
    company.when_asked = waits_at(outage, "/v1/draw/result")
    work(production)
    assert outage.slept == OUTAGE_WAITS_S
    assert len(company.sql("select 1 from late_results")) == IN_FLIGHT
