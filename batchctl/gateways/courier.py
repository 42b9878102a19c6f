"""Webhooks to customers: deliveries into signed requests, outcomes into answers (contract §5)."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus

from batchctl import __version__
from batchctl.domain.clock import Clock
from batchctl.domain.webhook import (
    FORBIDDEN_URL,
    SECRET_MALFORMED,
    SECRET_MISSING,
    Delivered,
    Delivery,
    DeliveryAnswer,
    Gone,
    MalformedSecretError,
    NotDelivered,
    Rejected,
    sign_legacy,
    sign_standard,
)
from batchctl.domain.wire import Lost, NotSent, NotSentKind, Outcome, Reply, Request
from batchctl.gateways.excerpt import excerpt
from batchctl.gateways.guard import check_url
from batchctl.gateways.retry_after import retry_after_s

MAX_ANSWER_BYTES = 64 * 1024
"""The status decides; so much of a receiver's answer is read for politeness, and its beginning is kept."""
_SUCCESS = range(200, 300)
_FORBIDDEN = {NotSentKind.FORBIDDEN_ADDRESS, NotSentKind.BAD_URL}


class Courier:
    """Implements `domain.webhook.CourierPort`; knows the default secret and never shows it."""

    def __init__(
        self,
        *,
        timeout_ms: int,
        allow_insecure: bool,
        allow_unsigned: bool,
        default_secret: str | None,
        clock: Clock,
    ) -> None:
        """Take the settings ENTERPRISE_WEBHOOK_TIMEOUT_MS, _ALLOW_INSECURE, _ALLOW_UNSIGNED and _SECRET.

        The clock is asked only to read a Retry-After that holds a date.
        """
        self._timeout_ms = timeout_ms
        self._allow_insecure = allow_insecure
        self._allow_unsigned = allow_unsigned
        self._default_secret = default_secret
        self._clock = clock

    def refusal(self, url: str) -> str | None:
        """Say why nothing may be sent to an address, as far as its text tells; None if something may."""
        return check_url(url, allow_insecure=self._allow_insecure)

    def request(self, key: int, delivery: Delivery, now: datetime) -> Request | Rejected:
        """Build the signed request of one try at the instant `now`, or say why it may not be sent."""
        refusal = self.refusal(delivery.url)
        if refusal is not None:
            return Rejected(error=f"{FORBIDDEN_URL}: {refusal}")
        own = [secret for secret in delivery.secrets if secret.strip()]
        secrets = own or ([self._default_secret] if self._default_secret else [])
        if not secrets and not self._allow_unsigned:
            return Rejected(error=SECRET_MISSING)
        timestamp = int(now.timestamp())
        try:
            signatures = _signatures(delivery, timestamp, secrets)
        except MalformedSecretError as error:
            return Rejected(error=f"{SECRET_MALFORMED}: {error}")
        headers = {
            "content-type": "application/json",
            "user-agent": f"batchctl/{__version__}",
            "x-batch-id": delivery.batch_id,
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp),
        }
        return Request(
            key=key,
            url=delivery.url,
            headers=headers | signatures,
            body=delivery.body,
            timeout_ms=self._timeout_ms,
            max_bytes=MAX_ANSWER_BYTES,
            public_only=not self._allow_insecure,
        )

    def read(self, outcome: Outcome, secrets: Sequence[str] = ()) -> DeliveryAnswer:
        """Say what became of a try: 2xx delivered it, 410 ends it, anything else is a failed try.

        What is kept of the answer holds neither `secrets` nor the default one.
        """
        match outcome:
            case Reply(status=status, headers=headers, body=body):
                answer = excerpt(body, (*secrets, self._default_secret or ""))
                if status in _SUCCESS:
                    return Delivered(status=status, answer=answer)
                if status == HTTPStatus.GONE:
                    return Gone(status=status, answer=answer)
                wait_s = retry_after_s(headers, self._clock)
                return NotDelivered(status=status, error=f"HTTP {status}", retry_after_s=wait_s, answer=answer)
            case NotSent(kind=kind, detail=detail) | Lost(kind=kind, detail=detail):
                is_ours = kind in _FORBIDDEN
                return NotDelivered(status=None, error=f"{kind.upper()}: {detail}", blames_receiver=not is_ours)


def _signatures(delivery: Delivery, timestamp: int, secrets: Sequence[str]) -> dict[str, str]:
    """Sign with every secret by Standard Webhooks, and with the first one by the older header; none without secrets."""
    if not secrets:
        return {}
    standard = (sign_standard(secret, delivery.id, timestamp, delivery.body) for secret in secrets)
    return {
        "x-webhook-signature": sign_legacy(secrets[0], delivery.body),
        "webhook-signature": " ".join(standard),
    }
