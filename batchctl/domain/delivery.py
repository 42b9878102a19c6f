"""Deliveries of webhooks: their states, and what a try makes of one (contract §5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import assert_never
from urllib.parse import urlsplit
from uuid import UUID

from batchctl.domain.backoff import WEBHOOK_RETRY_AFTER_MAX_S, WEBHOOK_SLOW_WAITS_S, webhook_wait
from batchctl.domain.limits import LEASE_SLACK, Limits
from batchctl.domain.webhook import Delivered, DeliveryAnswer, Gone, NotDelivered

LONGEST_QUICK_STEP = 16
"""For the wait after this quick retry (9 h) no pass would stay, whatever ENTERPRISE_WEBHOOK_RETRIES says."""


class DeliveryStatus(StrEnum):
    """The values of `webhook_deliveries.status` and of `batch_jobs.webhook_status`."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    RETRYING = "retrying"


class EventType(StrEnum):
    """The values of `webhook_deliveries.event_type`."""

    COMPLETED = "batch.completed"
    PARTIAL = "batch.partial"
    FAILED = "batch.failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """An event for the outbox."""

    id: UUID
    batch_id: UUID
    event_type: str
    url: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """A delivery claimed for a try."""

    id: UUID
    batch_id: UUID
    url: str
    body: str
    attempt: int
    """The number of this try, 1 for the first: the token that the record must still find."""
    step: int
    """The number of this try in the schedule of retries, which does not count those that operators asked for."""
    due_at: datetime | None
    """Of an open delivery that an operator has tried: when it is due anyway, as if nobody had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """The row to write after a try."""

    id: UUID
    attempt: int
    status: DeliveryStatus
    duration_ms: int
    next_attempt_at: datetime | None = None
    status_code: int | None = None
    error: str | None = None
    retries_soon: bool = False
    """Whether the next try is a quick one, for which the pass waits."""
    blames_receiver: bool = True
    """Whether a try that failed did so at the receiver, or on the way to it."""
    answer: str | None = None
    """How the receiver's answer begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a delivery stands after a try was recorded."""

    id: UUID
    status: DeliveryStatus
    next_attempt_at: datetime | None
    delivered_at: datetime | None


def receiver(url: str) -> str:
    """Name who listens at an address: scheme, host and port; never the rest, which may hold a token. Empty: nobody."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if not host:
        return ""
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}" + ("" if port is None else f":{port}")


def lease(limits: Limits) -> timedelta:
    """Return how long a claimed try belongs to its worker: the request's own deadline and a little more."""
    return timedelta(milliseconds=limits.webhook_timeout_ms) + LEASE_SLACK


def slow_window(slow_retries: int) -> timedelta:
    """Return how long the slow retries last, spread left out; so long a delivery waits for a secret (contract §3)."""
    steps = WEBHOOK_SLOW_WAITS_S[:slow_retries]
    repeated = max(slow_retries - len(steps), 0) * WEBHOOK_SLOW_WAITS_S[-1]
    return timedelta(seconds=sum(steps) + repeated)


def decide(
    delivery: ClaimedDelivery, answer: DeliveryAnswer, duration_ms: int, limits: Limits, now: datetime, random: Random
) -> DeliveryRecord:
    """Turn the receiver's answer into the row to write: sent, given up, or another try after its wait."""
    match answer:
        case Delivered(status=code):
            return DeliveryRecord(
                id=delivery.id,
                attempt=delivery.attempt,
                status=DeliveryStatus.SENT,
                duration_ms=duration_ms,
                status_code=code,
                answer=answer.answer,
            )
        case Gone(status=code):
            return DeliveryRecord(
                id=delivery.id,
                attempt=delivery.attempt,
                status=DeliveryStatus.FAILED,
                duration_ms=duration_ms,
                status_code=code,
                error=f"the receiver answered {code}: it is gone for good",
                answer=answer.answer,
            )
        case NotDelivered():
            next_attempt_at, retries_soon = _next_try(delivery, answer, limits, now, random)
            return DeliveryRecord(
                id=delivery.id,
                attempt=delivery.attempt,
                status=DeliveryStatus.FAILED if next_attempt_at is None else DeliveryStatus.RETRYING,
                duration_ms=duration_ms,
                next_attempt_at=next_attempt_at,
                status_code=answer.status,
                error=answer.error,
                retries_soon=retries_soon,
                blames_receiver=answer.blames_receiver,
                answer=answer.answer,
            )
        case _:
            assert_never(answer)


def _next_try(
    delivery: ClaimedDelivery, answer: NotDelivered, limits: Limits, now: datetime, random: Random
) -> tuple[datetime | None, bool]:
    """Say when the next try follows one that failed, None if none is left; and whether the pass waits for it."""
    if delivery.due_at is not None:
        asked_s = min(answer.retry_after_s or 0.0, WEBHOOK_RETRY_AFTER_MAX_S)
        return max(delivery.due_at, now + timedelta(seconds=asked_s)) if asked_s else delivery.due_at, False
    quick, slow = limits.webhook_quick_retries, limits.webhook_slow_retries
    wait = webhook_wait(delivery.step, quick, slow, answer.retry_after_s, random)
    if wait is None:
        return None, False
    # A Retry-After that asks for more than the longest quick wait is left to a later pass.
    longest = min(quick, LONGEST_QUICK_STEP)
    patience = webhook_wait(longest, quick, slow, None, random) if delivery.step <= quick else None
    return now + wait, patience is not None and wait <= patience
