"""What a stage or a pass did, in numbers: the same values that `--json` prints and tables show (contract §6)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar, cast

from batchctl.domain.pause import Pause

EXIT_ORDER = (78, 69, 1)
"""Of several causes the first of these decides the exit code (contract §6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that an operator must see to: one line, and the exit code that it asks for."""

    message: str
    exit_code: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchReport:
    """What dispatch did; claimed = frozen + freeze_failed."""

    claimed: int = 0
    frozen: int = 0
    freeze_failed: int = 0
    """Batches that ended without anything frozen, whatever the reason."""
    tasks_started: int = 0
    """Submissions that the provider accepted."""
    start_failed: int = 0
    start_deferred: int = 0
    start_unknown: int = 0
    credits_frozen: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    """Refused batches by reason."""
    requests: int = 0
    connect_failures: int = 0
    """Requests that failed to connect, and so did nothing at the provider."""
    paused: tuple[Pause, ...] = ()
    """The pause that kept the stage from its work."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PollReport:
    """What poll did; polled = succeeded + failed + still_processing + transient_errors."""

    polled: int = 0
    succeeded: int = 0
    failed: int = 0
    still_processing: int = 0
    transient_errors: int = 0
    max_poll_reached: int = 0
    """Part of failed."""
    late_looks: int = 0
    """Looks at tasks that a limit had failed before; no part of polled."""
    late_results: int = 0
    """Results that those looks found; never charged."""
    requests: int = 0
    """Requests to the provider, looks included."""
    connect_failures: int = 0
    paused: tuple[Pause, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleReport:
    """What settle did."""

    settled: int = 0
    credits_spent: int = 0
    credits_refunded: int = 0
    paused: tuple[Pause, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReport:
    """What became of deliveries (not of single tries)."""

    sent: int = 0
    retrying: int = 0
    failed: int = 0
    waiting_for_secret: int = 0
    set_aside: int = 0
    """Kept until their endpoint is enabled."""
    endpoints_disabled: int = 0
    """Endpoints, not deliveries: disabled because their receivers are gone, or have failed for days."""
    paused: tuple[Pause, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PassReport:
    """What a pass did, stage by stage."""

    dispatch: DispatchReport = field(default_factory=DispatchReport)
    poll: PollReport = field(default_factory=PollReport)
    settle: SettleReport = field(default_factory=SettleReport)
    webhook: WebhookReport = field(default_factory=WebhookReport)
    duration_ms: int = 0
    passes: int = 1
    """How many passes this is the sum of."""
    http_client: str = ""
    """The library that carried the requests to the provider."""
    broken: tuple[str, ...] = ()
    """Stages that did not come to their end; the findings say why."""
    paused: tuple[Pause, ...] = ()
    """Stages that an operator has stopped, with the reason; no error, and no work."""
    findings: tuple[Finding, ...] = ()
    """Those of the stages, and what kept a stage from its end."""

    @property
    def is_idle(self) -> bool:
        """Say whether no stage found anything to do, or was let do it."""
        return (
            replace(self.dispatch, paused=()),
            replace(self.poll, paused=()),
            replace(self.settle, paused=()),
            replace(self.webhook, paused=()),
        ) == (DispatchReport(), PollReport(), SettleReport(), WebhookReport())


def account_findings(error: str | None) -> tuple[Finding, ...]:
    """Return the finding that the provider refuses our account, if it does: `error` says how."""
    if error is None:
        return ()
    return (Finding(message=f"the provider refuses our account ({error}): check GRSAI_API_KEY and the balance"),)


def unreachable(stages: Iterable[DispatchReport | PollReport]) -> tuple[Finding, ...]:
    """Return the finding that every request to the provider failed to connect, if there were any (contract §6)."""
    stages = tuple(stages)
    requests = sum(stage.requests for stage in stages)
    if requests and requests == sum(stage.connect_failures for stage in stages):
        message = f"the provider cannot be reached: all {requests} requests failed to connect; nothing is lost"
        return (Finding(message=message, exit_code=69),)
    return ()


Summable = TypeVar("Summable", bound=DispatchReport | PollReport | SettleReport | WebhookReport | PassReport)


def add(one: Summable, other: Summable) -> Summable:
    """Sum two reports figure by figure; a finding that both have is kept once."""
    return type(one)(**{part.name: _sum(getattr(one, part.name), getattr(other, part.name)) for part in fields(one)})


def _sum(one: Any, other: Any) -> Any:  # noqa: ANN401 - whatever a report is made of
    match one:
        case int():
            return one + other
        case str():
            return other
        case dict():
            return _sum_dicts(cast("dict[str, int]", one), other)
        case tuple():
            return tuple(dict.fromkeys((*cast("tuple[Finding, ...]", one), *other)))
        case _:
            return add(one, other)


def _sum_dicts(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other))


def judged(report: PassReport) -> PassReport:
    """Add to the report of a pass, or of several, that no request to the provider got a connection, if so it was."""
    return replace(report, findings=(*report.findings, *unreachable((report.dispatch, report.poll))))


def exit_code(findings: Iterable[Finding]) -> int:
    """Choose the exit code: 0 without findings, else the first of 78, 69, 1 that one of them asks for."""
    codes = {finding.exit_code for finding in findings}
    return next((code for code in EXIT_ORDER if code in codes), 0)
