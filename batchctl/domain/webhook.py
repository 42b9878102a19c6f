"""The webhook to the customer: its event, its signatures, and what may become of a delivery (contract §5)."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from batchctl.domain.wire import Outcome, Request

SECRET_MISSING = "WEBHOOK_SECRET_MISSING"  # noqa: S105 - the name of an error, not a secret
"""Error of a delivery that waits for a secret (contract §3, ENTERPRISE_WEBHOOK_ALLOW_UNSIGNED)."""
SECRET_UNREADABLE = "WEBHOOK_SECRET_UNREADABLE"  # noqa: S105 - the name of an error, not a secret
"""Error of a delivery that waits because a secret of its endpoint is sealed and cannot be opened."""
ENDPOINT_DISABLED = "ENDPOINT_DISABLED"
"""Error of a delivery that waits for its endpoint to be enabled (contract §5)."""
SECRET_MALFORMED = "WEBHOOK_SECRET_MALFORMED"  # noqa: S105 - the name of an error, not a secret
"""Error of a delivery whose `whsec_` secret cannot be decoded."""
FORBIDDEN_URL = "FORBIDDEN_URL"
"""Begins the error of a delivery whose address breaks the rules for webhook addresses."""

STANDARD_PREFIX = "whsec_"
"""Begins a secret that is base64."""
_END_STATES = frozenset({"completed", "partial", "failed"})


class MalformedSecretError(ValueError):
    """A secret begins with `whsec_` but does not go on as base64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a customer is told when a batch ends."""

    batch_id: str
    user_id: str
    status: str
    """completed, partial or failed."""
    total_count: int
    success_count: int
    failed_count: int
    credits_spent: int
    credits_refunded: int
    reason: str | None
    """The batch's last_error."""
    timestamp_ms: int
    """When the event happened, in milliseconds since the epoch."""


def event_type(status: str) -> str:
    """Name the event of a batch that ended in this status; ValueError for a status that is not an end."""
    if status not in _END_STATES:
        message = f"a batch does not end as {status!r}"
        raise ValueError(message)
    return f"batch.{status}"


def body(event: Event) -> bytes:
    """Write the event as the exact bytes that are signed and sent: compact JSON, keys in the contract's order."""
    document = {
        "type": event_type(event.status),
        "batch_id": event.batch_id,
        "user_id": event.user_id,
        "status": event.status,
        "total_count": event.total_count,
        "success_count": event.success_count,
        "failed_count": event.failed_count,
        "credits_spent": event.credits_spent,
        "credits_refunded": event.credits_refunded,
        "reason": event.reason,
        "timestamp": event.timestamp_ms,
    }
    # A lone surrogate has no UTF-8 form; a question mark in a reason is better than an event that cannot be written.
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def sign_legacy(secret: str, body: bytes) -> str:
    """Return `x-webhook-signature`: lower-case hex HMAC-SHA256 of the body, keyed by the secret's text as it stands."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def sign_standard(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return one `webhook-signature` of Standard Webhooks; `timestamp` is that of the attempt, in seconds.

    Raises MalformedSecretError when a `whsec_` secret is not base64.
    """
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    digest = hmac.new(standard_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def standard_key(secret: str) -> bytes:
    """Return the key for Standard Webhooks; MalformedSecretError when a `whsec_` secret is not base64."""
    if not secret.startswith(STANDARD_PREFIX):
        return secret.encode()
    text = secret.removeprefix(STANDARD_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        message = f"a secret that begins with {STANDARD_PREFIX} must go on as base64"
        raise MalformedSecretError(message)
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What has to be known of a delivery to send it."""

    id: str
    """The webhook-id: stable over retries and resends."""
    batch_id: str
    url: str
    body: bytes
    secrets: Sequence[str] = field(repr=False)
    """The endpoint's own secrets, the oldest first; empty: the default secret.

    The oldest one signs the header that takes one signature only: that is the one which the receiver surely knows.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The delivery may not be sent as it is: a forbidden address, no secret or a malformed one."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The receiver answered 2xx."""

    status: int
    answer: str | None = None
    """How its answer begins, fit to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The receiver answered 410: it never wants to hear of this again."""

    status: int
    answer: str | None = None
    """How its answer begins, fit to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDelivered:
    """Any other end of a try."""

    status: int | None
    """The HTTP status, None when no answer came."""
    error: str
    retry_after_s: float | None = None
    blames_receiver: bool = True
    """False: our own rules forbade the try."""
    answer: str | None = None
    """How the receiver's answer begins, fit to be kept."""


DeliveryAnswer = Delivered | Gone | NotDelivered


class CourierPort(Protocol):
    """Turns deliveries into requests and outcomes into answers; carries nothing itself."""

    def refusal(self, url: str) -> str | None:
        """Say why nothing may be sent to an address, as far as its text tells; None if something may."""
        ...

    def request(self, key: int, delivery: Delivery, now: datetime) -> Request | Rejected:
        """Build the signed request of one try, at the instant `now`."""
        ...

    def read(self, outcome: Outcome, secrets: Sequence[str] = ()) -> DeliveryAnswer:
        """Say what became of a try that was signed with `secrets`, or with the default one: neither is quoted."""
        ...
