"""Every table and page as it looks at 80, 120 and 200 columns, and in a pipe: readable in a review.

A new page: add its name and a function that returns its parts to PAGES here or in tests/golden_batches.py or
tests/golden_desk.py, then write its file (tests/golden.py).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from batchctl.domain.action import ActionLine, ActionList, Outcome
from batchctl.domain.audit import AuditReport, CheckResult, Offender
from batchctl.domain.batch import BatchStatus
from batchctl.domain.batch_page import BatchList
from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.doctor import Diagnosis, DoctorReport, Level
from batchctl.domain.report import DispatchReport, PassReport, PollReport, SettleReport, WebhookReport
from batchctl.domain.resend import ResendReport, ResendResult
from batchctl.domain.stats import Breakdown
from batchctl.render import audit, batch, batches, doctor, endpoint, history, latency, overview, resend, stages, stats
from batchctl.render import wallet as wallets
from batchctl.render.grid import Part
from tests import golden_batches, golden_desk
from tests.golden import DIRECTORY, NOW, VARIABLE, ZONE, golden, screens
from tests.golden_batches import HOSTILE
from tests.render import test_batch as a_batch
from tests.render import test_batches as some_batches
from tests.render import test_endpoint as endpoints
from tests.render import test_latency as latencies
from tests.render import test_overview as overviews
from tests.render import test_resend as resends
from tests.render import test_stats as failures
from tests.render import test_wallet as a_wallet

LINE = some_batches.LINE
ENDPOINTS = endpoints.of(endpoints.WELL, endpoints.DISABLED, endpoints.FAILING)
RESENT = resends.of(resends.DELIVERED, resends.NOT_DELIVERED, resends.NOT_TRIED)


def batch_list() -> Sequence[Part]:
    """Return batches in several states, one with the largest numbers that there are."""
    done = replace(
        LINE, id=UUID(int=0xD7BC8737 << 96), status=BatchStatus.COMPLETED, webhook_status=DeliveryStatus.SENT
    )
    large = replace(
        done,
        total_count=2**31 - 1,
        success_count=2**31 - 1,
        frozen_credits=2**63 - 1,
        credits_spent=2**63 - 1,
        credits_refunded=0,
    )
    held = replace(LINE, id=UUID(int=0xFFFF << 112), hold_reason=HOSTILE, webhook_status=None)
    return [batches.listing(BatchList(batches=(LINE, done, held, large), more=False))]


def hostile_batch() -> Sequence[Part]:
    """Return a batch of which each text is written by a stranger."""
    task = replace(
        a_batch.TASK, model=HOSTILE, prompt=f"一只纸船在河上漂流 {HOSTILE}" * 3, error=HOSTILE, provider_id=HOSTILE
    )
    delivery = replace(a_batch.DELIVERY, receiver=f"https://{HOSTILE}", last_error=HOSTILE)
    row = replace(a_batch.BATCH, last_error=HOSTILE, hold_reason=HOSTILE, request_id=HOSTILE)
    return batch.page(
        replace(a_batch.SHOWN, batch=row, failed_tasks=(task,), task_list=(a_batch.TASK, task), deliveries=(delivery,))
    )


def audited(*found: int) -> AuditReport:
    """Return an audit that found so many rows by each of its checks."""
    offender = Offender(kind="batch", id=str(LINE.id), detail=f"completed, 3 of 12 succeeded {HOSTILE}")
    checks = tuple(
        CheckResult(
            name=f"m{number}_spent_is_right",
            guards="What a settled batch cost is its price times the tasks that succeeded.",
            found=count,
            duration_ms=3,
            first_offenders=(offender,) * min(count, 2),
        )
        for number, count in enumerate(found, 1)
    )
    return AuditReport(since=NOW - timedelta(days=2), adoption=None, found=sum(found), duration_ms=41, checks=checks)


def diagnosed() -> Sequence[Part]:
    """Return a diagnosis with something of each level."""
    return doctor.page(
        DoctorReport(
            diagnoses=(
                Diagnosis(check="settings", level=Level.OK, found="can be read"),
                Diagnosis(
                    check="database",
                    level=Level.WARN,
                    found="PostgreSQL 18.6 as batchctl, not encrypted",
                    advice="add sslmode=verify-full to BATCHCTL_DATABASE_URL",
                ),
                Diagnosis(
                    check="polls",
                    level=Level.FAIL,
                    found="a poll is due since 12 min",
                    advice="see whether a worker runs: `batchctl run-once` shows what it does",
                    exit_code=1,
                ),
            )
        )
    )


def a_pass() -> Sequence[Part]:
    """Return a pass in which everything happened."""
    return [
        stages.stages(
            PassReport(
                dispatch=DispatchReport(
                    claimed=3,
                    frozen=2,
                    freeze_failed=1,
                    tasks_started=12,
                    start_failed=1,
                    start_deferred=2,
                    start_unknown=1,
                    credits_frozen=240,
                    refusals={"INSUFFICIENT_CREDITS": 1},
                ),
                poll=PollReport(
                    polled=20, succeeded=9, failed=2, still_processing=8, transient_errors=1, max_poll_reached=1
                ),
                settle=SettleReport(settled=2, credits_spent=90, credits_refunded=30),
                webhook=WebhookReport(sent=1, retrying=1, failed=1),
                duration_ms=1234,
            )
        )
    ]


def acted() -> Sequence[Part]:
    """Return what operators did, one of them in words of another language."""
    action = ActionLine(
        id=UUID(int=1),
        began_at=NOW - timedelta(hours=2),
        ended_at=NOW,
        os_user="night",
        host="desk-1",
        command="batch cancel",
        arguments={"since": "2h", "model": "veo-pro"},
        reason="提供商故障 工单 4711",
        matched_count=12,
        changed_count=11,
        credits=1200,
        outcome=Outcome.DONE,
        error=None,
    )
    failed = replace(action, command="wallet grant", arguments={"user": HOSTILE}, outcome=Outcome.FAILED, error=HOSTILE)
    return [history.table(ActionList(actions=(action, failed), more=False))]


def rehearsed() -> ResendReport:
    """Return what a resend would do."""
    would = replace(
        resends.DELIVERED, result=ResendResult.WOULD_BE_TRIED, receiver_before="https://old.customer.example"
    )
    waiting = replace(would, delivered_at=None, status=DeliveryStatus.RETRYING, next_attempt_at=NOW, attempts=3)
    return resends.of(would, waiting, dry_run=True)


PAGES: dict[str, Callable[[], Sequence[Part]]] = {
    "audit": lambda: audit.page(audited(0, 2, 3)),
    "audit-fine": lambda: audit.page(audited(0, 0)),
    "batch-list": batch_list,
    "batch-show": lambda: batch.page(replace(a_batch.SHOWN, deliveries=(a_batch.DELIVERY,), task_list=(a_batch.TASK,))),
    "batch-show-hostile": hostile_batch,
    "doctor": diagnosed,
    "endpoint-list": lambda: [endpoint.table(ENDPOINTS)],
    "history": acted,
    "resend": lambda: [resend.table(RESENT)],
    "resend-dry-run": lambda: [resend.table(rehearsed())],
    "run-once": a_pass,
    "stats-failures": lambda: stats.failures(failures.compared(), None),
    "stats-failures-by-hour": lambda: stats.failures(failures.compared(), Breakdown.HOUR),
    "stats-failures-by-model": lambda: stats.failures(failures.compared(), Breakdown.MODEL),
    "stats-failures-hostile": lambda: stats.failures(failures.report(hostile=True), None),
    "stats-latency": lambda: latency.page(latencies.REPORT),
    "stats-latency-empty": lambda: latency.page(latencies.EMPTY),
    "stats-overview": lambda: overview.page(overviews.BUSY),
    "stats-overview-idle": lambda: overview.page(overviews.IDLE),
    "stats-overview-troubled": lambda: overview.page(overviews.TROUBLED),
    "wallet-show": lambda: wallets.page(a_wallet.SHOWN),
    **golden_batches.PAGES,
    **golden_desk.PAGES,
}
"""Pages by the names of their files."""
PIPED: dict[str, Callable[[], Sequence[Part]]] = {
    "audit": lambda: audit.lines(audited(0, 2, 3)),
    "audit-fine": lambda: audit.lines(audited(0, 0)),
    "endpoint-list": lambda: [endpoint.lines(ENDPOINTS)],
    "resend": lambda: [resend.lines(RESENT)],
    "resend-dry-run": lambda: [resend.lines(rehearsed())],
    **golden_batches.PIPED,
    **golden_desk.PIPED,
}
"""What a pipe gets of those pages of which it gets something else."""


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the operator into one zone, whoever runs the tests."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", ZONE)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("name", PAGES)
def test_page_looks_as_it_is_kept(name: str) -> None:
    """Whoever changes how a page looks sees how, and says that it is meant so."""
    golden(name, screens(PAGES[name](), PIPED[name]() if name in PIPED else None))


def test_each_file_is_of_a_page() -> None:
    """No file stays behind when its page goes or gets another name."""
    assert {file.stem for file in DIRECTORY.iterdir()} == set(PAGES)


def test_difference_is_found_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that looks otherwise fails with the difference, a page without a file with what to do."""
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(AssertionError, match=rf"(?s)run-once\.txt differs; .*{VARIABLE}=write.*\+nothing"):
        golden("run-once", "nothing")
    with pytest.raises(AssertionError, match=r"there is no new-page\.txt yet"):
        golden("new-page", "something")
