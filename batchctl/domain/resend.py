"""Sending a customer's event once more because an operator asks for it: what can be sent, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from batchctl.domain.batch import BatchStatus
from batchctl.domain.delivery import DeliveryRecord, DeliveryStatus, Standing, receiver
from batchctl.domain.delivery_page import Events
from batchctl.domain.report import Finding
from batchctl.domain.webhook import ENDPOINT_DISABLED, event_type

ENDS = frozenset((BatchStatus.COMPLETED, BatchStatus.PARTIAL, BatchStatus.FAILED))
HELD = "another process holds it at this moment: try again"
GONE = "there is no such batch any more"
STOPPED = "stopped before its turn"
RESENT, RECOVERED = "batchctl/webhook.resend/1", "batchctl/webhook.recover/1"
"""The schemas of the two reports."""
FRUITLESS = 10
"""So many tries in a row in vain at one receiver, and what a selection has for it besides is left for later."""
UNKNOWN = "a try was begun, and what became of it could not be written down"


class ResendResult(StrEnum):
    """What became of one delivery that was asked for."""

    DELIVERED = "delivered"
    NOT_DELIVERED = "not delivered"
    NOT_TRIED = "not tried"
    SKIPPED = "skipped"
    """It was tried since it was selected, by somebody else or by a pass: it is not what was selected any more."""
    WOULD_BE_TRIED = "would be tried"
    """In a dry run only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Deliveries that were given up, by when they were last tried."""

    since: datetime
    until: datetime | None
    """Itself left out; None: until now."""
    limit: int
    """At most so many, those tried longest ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Events to be replayed, by when they were written and how they stand."""

    events: Events
    """With a `since`."""
    statuses: tuple[DeliveryStatus, ...]
    limit: int
    """At most so many, the oldest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resendable:
    """The event of a batch as it stands, and where its customer wants to be told today."""

    batch_id: UUID
    batch_status: str | None
    is_unsettled: bool
    """Whether the batch holds credits of which its settlement is to decide."""
    delivery_id: UUID | None
    """The webhook-id; None: nobody wrote the event when the batch ended."""
    event_type: str | None
    status: DeliveryStatus | None
    attempts: int
    last_status_code: int | None
    last_error: str | None
    delivered_at: datetime | None
    leased_until: datetime | None
    """A try is under way, for so long at most."""
    url_before: str | None = field(repr=False)
    """Where it was sent so far."""
    url: str | None = field(repr=False)
    disabled_endpoint: UUID | None
    """The endpoint there, where that is disabled."""
    secrets: Sequence[str] = field(repr=False)
    """Those of the endpoint there as they are kept, the oldest first; none: the default secret signs."""

    def refusal(self) -> str | None:
        """Say why nothing can be sent now; None when something can, as far as the rows tell."""
        if self.delivery_id is None and self.batch_status not in ENDS:
            return f"the batch is {self.batch_status or 'without a status'}: there is nothing to tell yet"
        if self.delivery_id is None and self.is_unsettled:
            return "the batch is not settled: there is nothing certain to tell yet"
        if self.url is None:
            return "the batch has no webhook_url"
        if self.disabled_endpoint is not None:
            return f"{ENDPOINT_DISABLED}: `batchctl webhook endpoint enable {self.disabled_endpoint}` sends it"
        if self.leased_until is not None:
            return f"a try is under way, until {self.leased_until.astimezone(UTC):%H:%M:%S} UTC at the latest"
        return None

    @property
    def new_url(self) -> str | None:
        """Return where the customer wants to be told, if that is elsewhere than it was tried so far."""
        return None if self.url_before in (None, self.url) else self.url


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBatch:
    """A batch that is locked for a resend, and its delivery, if it has one and that is locked too."""

    batch_id: UUID
    delivery_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the books say of an ended batch."""

    batch_id: UUID
    user_id: UUID
    status: str
    total_count: int
    success_count: int
    failed_count: int
    credits_spent: int
    credits_refunded: int
    last_error: str | None
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendLine:
    """One delivery that was asked for, and what became of it."""

    batch_id: UUID
    event_type: str | None = None
    webhook_id: UUID | None = None
    receiver: str | None = None
    """Scheme and host: the rest of an address may hold a token."""
    receiver_before: str | None = None
    """Set when the customer's address is another one than that which was tried so far."""
    result: ResendResult
    status: DeliveryStatus | None = None
    """How the delivery stands now; None: its event was never written."""
    attempts: int = 0
    status_code: int | None = None
    """Of this try; in a dry run, of the last one."""
    duration_ms: int | None = None
    error: str | None = None
    """Why it was not delivered or not tried; of a delivery that would be tried, what the last try said."""
    next_attempt_at: datetime | None = None
    """When an ordinary pass tries it again."""
    delivered_at: datetime | None = None
    """When it was delivered, now or before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendReport:
    """What a resend did, or in a dry run would do."""

    schema: str
    dry_run: bool
    matched: int
    """How many deliveries the selection fits; more than are listed when there is a limit."""
    delivered: int
    not_delivered: int
    not_tried: int
    would_be_tried: int
    deliveries: tuple[ResendLine, ...]
    findings: tuple[Finding, ...] = ()
    skipped: int = 0


def line(one: Resendable, result: ResendResult, error: str | None) -> ResendLine:
    """Describe a delivery that was not tried, or not yet."""
    status = one.batch_status
    return ResendLine(
        batch_id=one.batch_id,
        event_type=one.event_type or (event_type(status) if status and status in ENDS else None),
        webhook_id=one.delivery_id,
        receiver=None if one.url is None else receiver(one.url),
        receiver_before=receiver(one.url_before) if one.new_url and one.url_before else None,
        result=result,
        status=one.status,
        attempts=one.attempts,
        status_code=one.last_status_code if result is ResendResult.WOULD_BE_TRIED else None,
        error=error,
        delivered_at=one.delivered_at,
    )


def tried(before: ResendLine, record: DeliveryRecord, standing: Standing | None) -> ResendLine:
    """Add to a line what the try came to; without a standing another try overtook it."""
    is_sent = record.status is DeliveryStatus.SENT
    return replace(
        before,
        webhook_id=record.id,
        result=ResendResult.DELIVERED if is_sent else ResendResult.NOT_DELIVERED,
        status=before.status if standing is None else standing.status,
        attempts=record.attempt,
        status_code=record.status_code,
        duration_ms=record.duration_ms,
        error=record.error,
        next_attempt_at=None if standing is None else standing.next_attempt_at,
        delivered_at=before.delivered_at if standing is None else standing.delivered_at,
    )


def overtaken(one: Resendable) -> str:
    """Say why a delivery is not what was selected any more."""
    if one.leased_until is not None:
        return "somebody else is trying it"
    how = "delivered" if one.status is DeliveryStatus.SENT else "tried"
    return f"it was {how} since it was selected"


def fruitless(at: str | None) -> str:
    """Say why what is left for a receiver is not sent to it now."""
    return f"{at or 'its receiver'} took none of the last {FRUITLESS}: run it again when it is well"


def report(
    lines: Sequence[ResendLine],
    matched: int,
    findings: Sequence[Finding],
    *,
    dry_run: bool,
    schema: str = RESENT,
) -> ResendReport:
    """Sum up; a delivery that was asked for and not made is a finding (contract §6: exit 1), but not in a dry run."""
    results = [one.result for one in lines]
    failures = results.count(ResendResult.NOT_DELIVERED), results.count(ResendResult.NOT_TRIED)
    if any(failures) and not dry_run:
        said = [
            f"{count} {word}" for count, word in zip(failures, ("not delivered", "not tried"), strict=True) if count
        ]
        findings = [*findings, Finding(message=f"of {len(lines)} deliveries {', '.join(said)}")]
    return ResendReport(
        schema=schema,
        dry_run=dry_run,
        matched=matched,
        delivered=results.count(ResendResult.DELIVERED),
        not_delivered=failures[0],
        not_tried=failures[1],
        would_be_tried=results.count(ResendResult.WOULD_BE_TRIED),
        deliveries=tuple(lines),
        findings=tuple(findings),
        skipped=results.count(ResendResult.SKIPPED),
    )
