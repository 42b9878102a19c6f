"""An account that the provider refuses: later passes send nothing but a probe, freeze nothing, and say so."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from batchctl.service.breaker import Gate, pass_gate
from batchctl.service.world import start_pass
from batchctl.simulator.faults import http_status
from tests.scenario import Company


def sent(company: Company) -> int:
    """Run a pass and return how many submissions it sent."""
    before = len(company.provider.journal.submissions)
    company.run_pass()
    return len(company.provider.journal.submissions) - before


def refuse(company: Company, tasks: int = 30) -> None:
    """Let a pass find out that the provider refuses the account."""
    company.provider.status = http_status(401)
    company.limit(max_start_per_batch=tasks)
    company.enqueue(company.customer(permanent=10 * tasks), tasks)
    company.run_pass()


def test_later_passes_send_a_probe_after_one_two_and_five_minutes(company: Company) -> None:
    """While the account is refused, one task is tried after 1 min, then 2, then every 5; nothing else is sent."""
    refuse(company)

    sent_after: dict[int, int] = {}
    for second in range(10, 1030, 10):
        company.clock.advance(10)
        if number := sent(company):
            sent_after[second] = number

    assert sent_after == {60: 1, 180: 1, 480: 1, 780: 1}


def test_nothing_is_frozen_meanwhile(company: Company) -> None:
    """A batch that is enqueued while the account is refused stays queued, its customer's credits are untouched."""
    refuse(company)
    customer = company.customer(permanent=10)
    batch_id = company.enqueue(customer, 1)

    company.clock.advance(20)
    report = company.run_pass()

    assert report.dispatch.claimed == 0
    assert company.batch(batch_id).status == "queued"
    assert company.wallet(customer) == (10, 0)


def test_refused_batches_end_meanwhile(company: Company) -> None:
    """Batches that can never be claimed are refused all the same: that needs no provider."""
    refuse(company)
    batch_id = company.enqueue(company.customer(permanent=10), 1, total=0)

    company.clock.advance(20)
    company.run_pass()

    assert company.batch(batch_id).last_error == "INVALID_BATCH"


def test_operator_is_told_in_every_pass(company: Company) -> None:
    """Each pass says since when, why, how many tasks wait and when the next one is tried, and asks for exit code 1."""
    refuse(company)
    company.clock.advance(10)

    (finding,) = company.run_pass().dispatch.findings

    assert finding.exit_code == 1
    assert "HTTP 401 since 2" in finding.message
    assert "30 tasks wait, one is tried at " in finding.message


def test_nobody_is_told_while_nothing_waits(company: Company) -> None:
    """An idle worker does not mail its operator for an account that nobody needs just now."""
    refuse(company, 1)
    company.clock.advance(7200)
    company.run_until_quiet()

    assert company.run_pass().findings == ()


def test_probe_that_is_taken_lets_all_others_go(company: Company) -> None:
    """Once the account is mended the probe is accepted, and the same pass sends the rest."""
    refuse(company)
    company.provider.status = None
    company.clock.advance(61)

    report = company.run_pass()

    assert report.dispatch.tasks_started == 30
    assert report.dispatch.findings == ()
    assert company.sql("select 1 from account_breaker") == []
    company.run_until_quiet()


@pytest.mark.parametrize("status", [503, 429])
def test_probe_that_says_nothing_of_the_account_lets_nothing_go(company: Company, status: int) -> None:
    """A probe that is put off for another reason proves nothing: the others wait for the next one."""
    refuse(company)
    company.provider.status = http_status(status)
    company.clock.advance(61)

    assert sent(company) == 1
    assert len(company.sql("select 1 from account_breaker")) == 1
    company.provider.status = None


def test_one_worker_of_many_probes(company: Company) -> None:
    """When it is time, one of two workers takes the probe, the other sends nothing."""
    refuse(company)
    company.clock.advance(61)

    with company.other_worker() as other, ThreadPoolExecutor(2) as pool:
        gates = list(pool.map(pass_gate, [company.world, other]))

    assert sorted(gates, key=str) == [Gate.PROBE, Gate.SHUT]
    company.provider.status = None


def test_another_provider_is_not_concerned(company: Company) -> None:
    """The breaker is that of one address: a worker that is set to another one sends."""
    refuse(company)
    company.talk_to_provider(host="http://localhost:1")

    assert pass_gate(company.world) is Gate.OPEN
    assert start_pass(company.world, None).started_at == company.clock.now
    company.talk_to_provider()
    company.provider.status = None
