"""The sentences in which reports are told, the same in tables and in plain text."""

from batchctl.domain.pause import Pause
from batchctl.domain.report import DispatchReport, PassReport, PollReport, SettleReport, WebhookReport
from batchctl.render.clean import clean
from batchctl.render.grid import instant

NOTHING = "nothing to do"
BROKEN = "did not come to its end: see the error"

Stage = DispatchReport | PollReport | SettleReport | WebhookReport


def stages(report: PassReport) -> list[tuple[str, str]]:
    """Tell a pass stage by stage."""
    told = {
        "dispatch": stage(report.dispatch),
        "poll": stage(report.poll),
        "settle": stage(report.settle),
        "webhook": stage(report.webhook),
    }
    return [(name, BROKEN if name in report.broken and did == NOTHING else did) for name, did in told.items()]


def stage(report: Stage) -> str:
    """Tell one stage in a sentence."""
    return _join([*_did(report), *map(pause, report.paused)])


def pause(one: Pause) -> str:
    """Say who stopped a stage, since when and why, and how it goes on."""
    who, reason = clean(one.by), clean(one.reason)
    return f"paused by {who} since {instant(one.paused_at)}: {reason} (`batchctl resume {one.stage}` lets it go on)"


def _did(report: Stage) -> list[str]:
    match report:
        case DispatchReport():
            return _dispatch(report)
        case PollReport():
            return _poll(report)
        case SettleReport():
            return _settle(report)
        case WebhookReport():
            return _webhook(report)


def _dispatch(report: DispatchReport) -> list[str]:
    refusals = ", ".join(f"{reason} {number}" for reason, number in report.refusals.items())
    return [
        _some(report.frozen, "batch", "claimed", f"{report.credits_frozen} credits frozen"),
        _some(report.freeze_failed, "batch", "refused", refusals),
        _some(report.tasks_started, "task", "started"),
        _some(report.start_failed, "task", "failed to start"),
        _some(report.start_deferred, "submission", "put off"),
        _some(report.start_unknown, "submission", "with unknown outcome"),
    ]


def _poll(report: PollReport) -> list[str]:
    limit = f"{report.max_poll_reached} by the poll limit" if report.max_poll_reached else ""
    return [
        _some(report.succeeded, "task", "succeeded"),
        _some(report.failed, "task", "failed", limit),
        _some(report.still_processing, "task", "still running"),
        _some(report.transient_errors, "task", "not answered for"),
        _some(report.late_looks, "failed task", "looked at again", _late(report)),
    ]


def _late(report: PollReport) -> str:
    return f"{report.late_results} came late" if report.late_results else ""


def _settle(report: SettleReport) -> list[str]:
    money = f"{report.credits_spent} credits charged, {report.credits_refunded} given back"
    return [_some(report.settled, "batch", "settled", money)]


def _webhook(report: WebhookReport) -> list[str]:
    return [
        _some(report.sent, "event", "delivered"),
        _some(report.retrying, "event", "to be retried"),
        _some(report.failed, "event", "given up"),
        _some(report.waiting_for_secret, "event", "waiting for a secret"),
        _some(report.set_aside, "event", "set aside", "the endpoint is disabled"),
        _some(report.endpoints_disabled, "endpoint", "disabled", "`batchctl webhook endpoint list` says why"),
    ]


def _some(number: int, noun: str, what: str, detail: str = "") -> str:
    if not number:
        return ""
    plural = noun if number == 1 else f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{number} {plural} {what}" + (f" ({detail})" if detail else "")


def _join(parts: list[str]) -> str:
    return ", ".join(part for part in parts if part) or NOTHING
