"""The pages of operators' commands about money, holds, events and settings, from fixed values, for golden screens."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from batchctl.domain.config import ConfigReport, SettingLine, Source
from batchctl.domain.credit import Bucket
from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.delivery_page import AttemptList, EventList
from batchctl.domain.doctor import Diagnosis, DoctorReport, Level
from batchctl.domain.hold import HoldKind, HoldList, ReleaseReport
from batchctl.domain.pause import BrakeReport, Pause, Stage, lines
from batchctl.domain.prune import PruneReport
from batchctl.domain.report import DispatchReport, PassReport, SettleReport
from batchctl.domain.resend import RECOVERED, ResendReport, ResendResult
from batchctl.domain.verify import Fit, HeaderCheck
from batchctl.domain.wallet_page import AdjustReport, EntryType, HistoryLine
from batchctl.render import (
    config,
    deliveries,
    doctor,
    hold,
    ledger,
    pauses,
    prune,
    resend,
    stages,
    verify,
)
from batchctl.render import wallet as wallets
from batchctl.render.grid import Part
from batchctl.render.tables import with_whole_ids
from tests.golden import NOW
from tests.golden_batches import HOSTILE, MINUTE
from tests.render import test_batch as a_batch
from tests.render import test_deliveries as events
from tests.render import test_hold as holds
from tests.render import test_resend as resends
from tests.render import test_task as a_task
from tests.render import test_verify as checks

USER = UUID("7e5e7bba-0000-4000-8000-000000000001")
PAUSE = Pause(
    stage=Stage.DISPATCH,
    paused_at=NOW - 42 * MINUTE,
    os_user="night",
    host="desk-1",
    reason=f"提供商故障 ticket 4711 {HOSTILE}",
)


def history() -> Sequence[Part]:
    """Return a customer's ledger, with reasons that operators and other programs wrote."""
    spent = HistoryLine(
        id=3,
        created_at=NOW,
        type=EntryType.SPEND,
        ref_type="batch_upfront",
        ref_id=str(a_batch.BATCH.id),
        bucket="permanent",
        credits_delta=-120,
        balance_after=880,
        total_after=910,
        reason=None,
        operator=None,
    )
    granted = replace(
        spent,
        type=EntryType.BONUS_GRANT,
        ref_id=None,
        bucket="bonus",
        credits_delta=30,
        balance_after=30,
        total_after=1030,
        reason="补偿 ticket 4711",
        operator="night@desk-1",
    )
    bought = replace(
        granted, type=EntryType.PURCHASE, bucket=HOSTILE, credits_delta=2**40, reason=HOSTILE, operator=None
    )
    return [ledger.history((spent, granted, replace(bought, balance_after=None, total_after=2**63 - 1)))]


def adjusted() -> Sequence[Part]:
    """Return a wallet after a correction."""
    report = AdjustReport(
        user_id=USER,
        bucket=Bucket.PERMANENT,
        amount=-5,
        already_adjusted=False,
        dry_run=False,
        permanent_credits=905,
        bonus_credits=30,
        bonus_expires_at=NOW + timedelta(days=30),
        available_credits=935,
    )
    return [with_whole_ids(wallets.adjusted(report))]


def on_hold() -> Sequence[Part]:
    """Return what is on hold, one for a reason that a stranger wrote."""
    whole = replace(holds.LINE, id=a_batch.BATCH.id, batch_id=a_batch.BATCH.id, user_id=USER)
    doubtful = replace(holds.OF_TASK, id=a_task.TASK.id, batch_id=UUID(int=7), hold_reason="SUBMIT_OUTCOME_UNKNOWN")
    odd = replace(doubtful, id=UUID(int=8), kind=HoldKind.TASK, hold_reason=HOSTILE, status=HOSTILE)
    return [hold.listing(HoldList(holds=(whole, doubtful, odd), more=False))]


def released() -> Sequence[Part]:
    """Return what became of rows on hold that were to be released."""
    done = replace(holds.RELEASED, id=a_batch.BATCH.id, batch_id=a_batch.BATCH.id, hold_reason="WALLET_NOT_FOUND")
    refused = replace(done, id=UUID(int=8), kind=HoldKind.TASK, released=False, error=f"violates a check {HOSTILE}")
    return [hold.released(ReleaseReport(dry_run=False, holds=(done, refused, replace(done, released=False))))]


def paused() -> Sequence[Part]:
    """Return how the stages stand when one was paused, and what that means."""
    stages_now = lines((PAUSE,), frozenset({Stage.DISPATCH}))
    said = f"{Stage.DISPATCH}: {pauses.MEANING[Stage.DISPATCH]}\nto let it go on: batchctl resume dispatch"
    return [pauses.table(BrakeReport(schema="batchctl/pause/1", dry_run=False, stages=stages_now)), said]


def resumed() -> Sequence[Part]:
    """Return how the stages stand when all work again."""
    stages_now = lines((), frozenset({Stage.DISPATCH}))
    return [pauses.table(BrakeReport(schema="batchctl/resume/1", dry_run=False, stages=stages_now))]


def settings() -> Sequence[Part]:
    """Return settings of each kind: a secret, a default, one that is wrong, an address with a password."""
    named = SettingLine(
        variable="BATCHCTL_DATABASE_URL",
        value="postgresql://…@db.internal.example/shop",
        source=Source.ENVIRONMENT,
        is_secret=False,
        problem=None,
        default="not set",
        meaning="libpq URL or `key=value` pairs; `embedded` or `embedded:DIR` runs the bundled PostgreSQL",
    )
    key = replace(named, variable="GRSAI_API_KEY_FILE", value="set", source=Source.FILE, is_secret=True)
    wrong = replace(
        named,
        variable="BATCH_WORKER_MAX_START_TASKS_PER_BATCH",
        value="wrong",
        problem="Input should be greater than or equal to 1",
        meaning="tasks of one batch in flight at once",
    )
    waits = replace(
        named,
        variable="BATCH_POLL_BACKOFF_SECONDS",
        value="5,15,30",
        source=Source.DEFAULT,
        meaning="the three waits between polls",
    )
    key = replace(key, meaning="bearer token; without it nothing is claimed, submitted or polled")
    return [config.table(ConfigReport(settings=(named, key, wrong, waits)))]


def listed_events() -> Sequence[Part]:
    """Return events in each state, one of a receiver with a name that a stranger chose."""
    odd = replace(events.WAITS, id=UUID(int=4), receiver=f"https://{HOSTILE}", last_error=HOSTILE)
    return [deliveries.listing(EventList(deliveries=(events.WAITS, events.SENT, events.KEPT, odd), more=False))]


def an_event() -> Sequence[Part]:
    """Return all about an event that a receiver does not take."""
    first = replace(events.TRY, attempt=1, status_code=None, duration_ms=5003, error="timed out", answer=None)
    by_hand = replace(events.TRY, attempt=3, by_operator=True, answer=f"closed until nine 九点开门 {HOSTILE}")
    return deliveries.page(
        events.of(events.WAITS, by_hand, replace(events.TRY, attempt=2), first, endpoint=events.ENDPOINT, own=1)
    )


def tries() -> Sequence[Part]:
    """Return tries with answers that strangers wrote."""
    odd = replace(events.TRY, attempt=2, receiver=f"https://{HOSTILE}", answer=HOSTILE * 2)
    under_way = replace(events.TRY, attempt=4, duration_ms=None, status_code=None, error=None, answer=None)
    report = AttemptList(attempts=(replace(under_way, next_attempt_at=None), events.TRY, odd), more=False)
    return [deliveries.log(report)]


def recovery_report() -> ResendReport:
    """Return what a replay would send."""
    would = replace(resends.NOT_TRIED, result=ResendResult.WOULD_BE_TRIED, error=None, delivered_at=None)
    open_still = replace(would, status=DeliveryStatus.RETRYING, next_attempt_at=NOW + 30 * MINUTE, attempts=3)
    return replace(resends.of(would, open_still, dry_run=True), schema=RECOVERED, matched=240)


def recovery() -> Sequence[Part]:
    """Return the page of that, with how it goes on."""
    report = recovery_report()
    return [resend.table(report), resend.left(report) or ""]


def ping() -> Sequence[Part]:
    """Return what a receiver made of a ping that it did not take."""
    failed = replace(checks.PONG, delivered=False, status_code=401, error="HTTP 401", answer=f"签名不对 {HOSTILE}")
    return [verify.pong(failed)]


def refused_signature() -> Sequence[Part]:
    """Return the check of a webhook of which one header does not fit."""
    guess = "the body was parsed and written anew: take its bytes"
    wrong = HeaderCheck(name="webhook-signature", fit=Fit.WRONG, detail=guess)
    reason = f"webhook-signature does not fit: {guess}"
    return verify.page(
        replace(checks.FITS, accepted=False, checks=(checks.FITS.checks[0], wrong), age_s=12, reason=reason)
    )


def pruned() -> Sequence[Part]:
    """Return what would be deleted."""
    report = PruneReport(
        dry_run=True, before=NOW - timedelta(days=90), runs=129_600, deliveries=4711, attempts=5002, late_results=3
    )
    return [prune.table(report)]


def trouble() -> Sequence[Part]:
    """Return a diagnosis of a bad night."""
    refused = Diagnosis(
        check="account",
        level=Level.FAIL,
        found="refused since 42 min (insufficient credits 余额不足): 1200 tasks wait, 9 probes were refused",
        advice="check GRSAI_API_KEY and the balance; the next probe finds out by itself",
        exit_code=1,
    )
    stopped = replace(
        refused,
        check="brake",
        level=Level.WARN,
        found=f"dispatch is paused since 42 min by night@desk-1: {HOSTILE}",
        advice="`batchctl resume dispatch` when it may go on",
    )
    unset = replace(
        refused, check="GRSAI_API_KEY", found="still the placeholder that everybody knows", advice="set a random one"
    )
    slow = replace(
        refused,
        check="settle",
        found="a batch is due since 12 min, and 4711 more wait",
        advice="see whether a worker runs: `batchctl run-once` shows what it does",
    )
    well = Diagnosis(check="settings", level=Level.OK, found="can be read")
    return doctor.page(DoctorReport(diagnoses=(well, unset, refused, stopped, slow)))


def a_pass_that_is_held() -> Sequence[Part]:
    """Return a pass with a stage that is paused and one that broke."""
    report = PassReport(
        dispatch=DispatchReport(paused=(PAUSE,)),
        settle=SettleReport(settled=1, credits_spent=40, credits_refunded=0),
        broken=("webhook",),
        paused=(PAUSE,),
        duration_ms=87,
    )
    return [stages.stages(report)]


PAGES: dict[str, Callable[[], Sequence[Part]]] = {
    "config-show": settings,
    "doctor-trouble": trouble,
    "hold-list": on_hold,
    "hold-release": released,
    "pause": paused,
    "prune-dry-run": pruned,
    "resume": resumed,
    "run-once-paused": a_pass_that_is_held,
    "wallet-adjust": adjusted,
    "wallet-history": history,
    "webhook-attempts": tries,
    "webhook-list": listed_events,
    "webhook-recover-dry-run": recovery,
    "webhook-show": an_event,
    "webhook-test": ping,
    "webhook-verify": refused_signature,
}
"""Pages by the names of their files."""
PIPED: dict[str, Callable[[], Sequence[Part]]] = {
    "pause": lambda: paused()[:1],
    "webhook-recover-dry-run": lambda: [resend.lines(recovery_report())],
}
"""What a pipe gets of those pages of which it gets something else."""
