"""The database ends, cuts connections, or falls silent; workers that live on lose nothing and do nothing twice."""

import os
import socket
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta

import pytest

from batchctl.db import connect
from batchctl.failpoint import Failpoint, arm, still_armed
from batchctl.gateways.http import ThreadedHttp
from tests.faults.criterion import forgive_tries, in_doubt
from tests.faults.cuts import (
    cut_among_processes,
    cut_at_byte,
    cut_at_commit,
    cut_at_request,
    cut_before_each_reply,
    hang,
)
from tests.faults.ground import Ground
from tests.faults.outages import end_in_mid_pass
from tests.faults.proxy import Proxy
from tests.faults.scene import prepare
from tests.scenario import Company

SLOW_COMMIT = """
create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(0.1); return null; end $$;
create constraint trigger dawdle after update on video_tasks deferrable initially deferred
    for each row when (new.status = 'processing' and new.grsai_task_id is null) execute function dawdle();
"""
"""The server is still busy with the commit of a claim for sending when its worker asks what became of it."""


def test_answer_to_each_commit_of_a_life_is_lost(ground: Ground) -> None:
    """Nothing is in doubt, refunded, charged or told twice because nobody heard that a transaction was committed.

    A worker that claimed tasks for sending finds out whether it did, for it alone knows that they were not sent yet.
    """
    assert cut_before_each_reply(ground) >= 20


@pytest.mark.parametrize("number", range(1, 60, 12))
def test_commit_is_lost(ground: Ground, number: int) -> None:
    """A transaction whose commit never arrived is undone, and the next pass does its work."""
    assert cut_at_commit(ground, number, reaches_server=False) == 1


@pytest.mark.parametrize("seed", range(3))
def test_cut_at_a_byte(ground: Ground, seed: int) -> None:
    """A connection may break anywhere in a message, in either direction."""
    assert cut_at_byte(ground, seed) > 0


@pytest.mark.parametrize("seed", range(2))
def test_cut_while_the_other_side_is_asked(ground: Ground, seed: int) -> None:
    """An answer of the provider or of a receiver is kept when the connection to the database is gone as it arrives."""
    assert cut_at_request(ground, seed) > 0


def test_cuts_among_processes(ground: Ground) -> None:
    """Worker processes connect again by themselves, whatever broke, and go on."""
    assert cut_among_processes(ground, 0, tasks=30, cuts=4) > 0


def test_server_that_ends_in_mid_pass(ground: Ground) -> None:
    """After an immediate stop workers are back within 10 s of the server, and no verdict that they heard is lost."""
    end_in_mid_pass(ground, 1, tasks=30, ends=1)


def test_worker_ends_although_the_database_says_nothing(ground: Ground) -> None:
    """A second signal ends a worker at once that waits for the database (the first one would after 10 s)."""
    hang(ground, is_patient=False)


def test_database_that_vanished_is_given_up(ground: Ground) -> None:
    """The connection itself asks a silent server for a sign of life, so that no worker waits for two hours."""
    asked = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
    with ExitStack() as stack:
        proxy = stack.enter_context(Proxy(stack.enter_context(ground.database())))
        conn = stack.enter_context(closing(connect(proxy.dsn)))
        ours = stack.enter_context(socket.socket(fileno=os.dup(conn.fileno())))
        idle_s, interval_s, probes, unheard_ms = (ours.getsockopt(socket.IPPROTO_TCP, option) for option in asked)
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert (idle_s + interval_s * probes, unheard_ms) == (30, 30_000)


@pytest.mark.parametrize("point", [Failpoint.POLL_BEFORE_INTENT, Failpoint.DELIVER_BEFORE_INTENT])
def test_stage_that_is_cut_off_reports_what_it_did(company: Company, point: Failpoint) -> None:
    """What a stage had done when it lost the database stands in its report, beside the finding."""
    prepare(company, "run-once")
    company.run_pass()
    company.clock.advance(31)
    with closing(ThreadedHttp(1)) as one_at_a_time:
        company.world = replace(company.world, provider_http=one_at_a_time, webhook_http=one_at_a_time)
        arm(f"{point}:2:cut=reply")
        report = company.run_pass()
    forgive_tries(company)
    assert still_armed() == set()
    assert [finding.exit_code for finding in report.findings] == [69]
    did = report.poll.polled if point is Failpoint.POLL_BEFORE_INTENT else report.webhook.sent
    assert did == 1


def test_claim_whose_answer_was_lost_is_sent_all_the_same(company: Company) -> None:
    """Nobody else knows that these tasks were not sent yet: without this they would be refunded for nothing."""
    batch_id = company.enqueue(company.customer(permanent=20), 2)
    company.sql(SLOW_COMMIT)
    arm(f"{Failpoint.SUBMIT_BEFORE_INTENT}:1:cut=reply")

    report = company.run_pass()

    assert still_armed() == set()
    assert (report.dispatch.tasks_started, report.findings) == (2, ())
    assert {task.status for task in company.tasks(batch_id)} == {"processing"}


def test_claim_whose_answer_came_too_late_is_not_sent(company: Company) -> None:
    """When others may take the tasks for orphaned before our request is over, sending them could buy them twice."""
    company.enqueue(company.customer(permanent=20), 2)
    company.limit(claim_timeout=timedelta(milliseconds=company.world.limits.provider_timeout_ms))
    arm(f"{Failpoint.SUBMIT_BEFORE_INTENT}:1:cut=reply")

    report = company.run_pass()

    assert still_armed() == set()
    assert [finding.exit_code for finding in report.findings] == [69]
    assert company.provider.journal.submissions == ()
    assert len(in_doubt(company)) == 2
