"""Customers' webhook endpoints: when one is disabled, with what it signs, and what operators are shown of it."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from random import Random
from uuid import UUID

from batchctl.domain.delivery import DeliveryRecord, DeliveryStatus

FAILING_TOO_LONG = timedelta(days=5)
"""An endpoint where no try has succeeded for so long is disabled when an event for it is given up."""
OTHERS_TOLD = timedelta(days=1)
"""An endpoint that cannot be reached is disabled only if another customer was told of a batch that ended lately."""
MAX_SECRETS = 5
"""So many secrets in force at once; each is a signature more in the header."""
MAX_URL_BYTES = 2048
"""What the key of an endpoint takes; the rules for addresses allow no longer ones."""
DEFAULT_GRACE = "24h"
"""How long an old secret goes on signing beside a new one."""
RELEASED_PER_SECOND = 10
"""So many events a second become due when an endpoint is enabled: its receiver has just come back."""
SECRET_BYTES = 32
"""Of a secret that is made here; Standard Webhooks asks for 24 to 64."""


class Verdict(StrEnum):
    """What a try says of its endpoint."""

    TAKEN = "taken"
    FAILED = "failed"
    GIVEN_UP = "given up"
    """No try of the event is left; the receiver answered the last one."""
    UNREACHED = "unreached"
    """No try of the event is left; the last one got no answer, which may be our own trouble."""
    GONE = "gone"


def verdict(record: DeliveryRecord) -> Verdict | None:
    """Say what a try means for its endpoint; None: nothing, for it failed by our rules."""
    if record.status is DeliveryStatus.SENT:
        return Verdict.TAKEN
    if record.status_code == HTTPStatus.GONE:
        return Verdict.GONE
    if not record.blames_receiver:
        return None
    if record.status is not DeliveryStatus.FAILED:
        return Verdict.FAILED
    return Verdict.UNREACHED if record.status_code is None else Verdict.GIVEN_UP


def new_secret(random: Random) -> str:
    """Make a secret as Standard Webhooks writes them; `random` must be the system's."""
    return "whsec_" + base64.b64encode(random.randbytes(SECRET_BYTES)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signers:
    """How a delivery is signed now, and whether it may go out."""

    delivery_id: UUID
    disabled_endpoint: UUID | None
    """Its endpoint, where that is disabled."""
    secrets: Sequence[str] = field(repr=False)
    """As they are kept, the oldest first; none: the default secret signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a customer is told, and with which secrets that is signed, sealed as they are kept."""

    endpoint_id: UUID | None
    """None: the address has no row of its own."""
    url: str = field(repr=False)
    is_disabled: bool
    secrets: Sequence[str] = field(repr=False)
    """Those in force, the oldest first; none: the default secret signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretLine:
    """A secret in force, as far as it is shown."""

    endpoint_id: UUID
    fingerprint: str
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """An endpoint without its secrets."""

    id: UUID
    user_id: UUID
    receiver: str
    """Scheme and host: the rest of an address may hold a token."""
    created_at: datetime
    failing_since: datetime | None
    """Every try since then failed."""
    disabled_at: datetime | None
    disabled_reason: str | None
    disabled_by: str | None
    waiting_count: int
    """Events that are kept until it is enabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLine(EndpointRow):
    """An endpoint as it is listed."""

    secrets: tuple[SecretLine, ...]
    """Those in force, the oldest first; none: the default secret signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointList:
    """Endpoints, those that changed last first."""

    schema: str = "batchctl/webhook.endpoint.list/1"
    endpoints: tuple[EndpointLine, ...]
    more: bool
    """Whether others match too."""


class Act(StrEnum):
    """What operators do to an endpoint."""

    ADD = "add"
    ROTATE = "rotate"
    DISABLE = "disable"
    ENABLE = "enable"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointReport:
    """An endpoint after something was done to it."""

    schema: str
    act: Act
    changed: bool = True
    """Whether it was not so before."""
    endpoint: EndpointLine
    secret: str | None = field(default=None, repr=False)
    """A secret that was made for it: shown this once."""
    released: int = 0
    """Events that had waited for it and are due now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResealReport:
    """What sealing all secrets with the first key came to."""

    schema: str = "batchctl/webhook.endpoint.reseal/1"
    resealed: int
    unreadable: int
    """Secrets that no key opens; they stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key for ENTERPRISE_WEBHOOK_SECRETS_KEY."""

    schema: str = "batchctl/webhook.endpoint.key/1"
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubledEndpoint:
    """An endpoint that is disabled, or that has failed for long, and how many there are like it."""

    id: UUID
    receiver: str
    is_disabled: bool
    since: datetime
    reason: str | None
    waiting_count: int
    alike_count: int
    alike_waiting_count: int
