"""One pass: dispatch, poll, settle, webhook, in this order; a stage that fails keeps no other from its work."""

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from batchctl.domain.problem import Problem, RowsRejectedError
from batchctl.domain.report import (
    DispatchReport,
    Finding,
    PassReport,
    PollReport,
    SettleReport,
    WebhookReport,
    judged,
)
from batchctl.service.dispatch import dispatch
from batchctl.service.poll import poll
from batchctl.service.settle import settle
from batchctl.service.webhooks import deliver
from batchctl.service.world import Budget, World
from batchctl.store import runs

Report = TypeVar("Report")

DISPATCH_SHARE = 0.5
POLL_SHARE = 0.7
"""Parts of the remaining time that dispatch and poll may take, so that the stages after them get theirs."""


def run_once(world: World, budget: Budget, on_break: Callable[[Exception], None]) -> PassReport:
    """Run every stage once and report; `on_break` is shown the exception of a stage that broke unexpectedly.

    Whether the provider could be reached at all is judged by whoever has the whole report (`report.judged`).
    """
    started_s = time.monotonic()
    findings: list[Finding] = []
    broken: list[str] = []

    def stage(name: str, run: Callable[[], Report], nothing: Report) -> Report:
        try:
            return run()
        except Problem as problem:
            findings.append(Finding(message=problem.in_a_pass, exit_code=problem.exit_code))
        except Exception as error:  # noqa: BLE001 - a bug in one stage must not keep the others from customers' money
            on_break(error)
            what = str(error).partition("\n")[0]
            findings.append(Finding(message=f"{name} broke: {type(error).__name__}: {what}"))
        broken.append(name)
        return nothing

    dispatched = stage("dispatch", lambda: dispatch(world, budget.part(DISPATCH_SHARE)), DispatchReport())
    polled = stage("poll", lambda: poll(world, budget.part(POLL_SHARE)), PollReport())
    settled = stage("settle", lambda: settle(world), SettleReport())
    delivered = stage("webhook", lambda: deliver(world, budget), WebhookReport())
    reports = (dispatched, polled, settled, delivered)
    report = PassReport(
        dispatch=dispatched,
        poll=polled,
        settle=settled,
        webhook=delivered,
        http_client=world.provider_http.name,
        duration_ms=round((time.monotonic() - started_s) * 1000),
        broken=tuple(broken),
        paused=tuple(pause for one in reports for pause in one.paused),
        findings=tuple(dict.fromkeys((*findings, *(f for one in reports for f in one.findings)))),
    )
    if not report.is_idle:
        _remember(world, report, budget)
    return report


def _remember(world: World, report: PassReport, budget: Budget) -> None:
    """Write the pass into `runs`; that it cannot be written says nothing about the pass itself."""
    with suppress(Problem, RowsRejectedError):
        world.db.transact(
            lambda tx: runs.insert(
                tx,
                judged(report),
                pass_id=budget.pass_id,
                started_at=budget.started_at,
                host=socket.gethostname(),
                process_id=os.getpid(),
            )
        )
