"""What operators are shown of events for customers: lists of them, one whole, the log of tries, and a test."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.endpoint import EndpointLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Which events are meant; what is None narrows nothing."""

    since: datetime | None = None
    """Of when the event was written, of a log of tries when these began; itself included."""
    until: datetime | None = None
    """Itself left out."""
    user_id: UUID | None = None
    batch_id: UUID | None = None
    event_type: str | None = None
    endpoint_id: UUID | None = None
    host: str | None = None
    """Lower-case, with a port or without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """An event as it is listed."""

    id: UUID
    """The webhook-id."""
    batch_id: UUID
    user_id: UUID
    event_type: str
    receiver: str
    """Scheme and host: the rest of an address may hold a token."""
    status: DeliveryStatus
    attempts: int
    last_status_code: int | None
    last_error: str | None
    created_at: datetime
    next_attempt_at: datetime | None
    """When it is due; during a try, when that is given up."""
    delivered_at: datetime | None
    endpoint_id: UUID | None
    endpoint_disabled_at: datetime | None
    """Set: nothing is sent there until it is enabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventList:
    """Events, the newest first."""

    schema: str = "batchctl/webhook.list/1"
    deliveries: tuple[EventLine, ...]
    more: bool
    """Whether older ones fit too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryEntry:
    """A try to deliver an event, in the log of tries."""

    delivery_id: UUID
    attempt: int
    started_at: datetime
    duration_ms: int | None
    """None: under way, or its worker died with it."""
    status_code: int | None
    error: str | None
    answer: str | None
    """How the receiver's answer begins."""
    by_operator: bool
    """Whether an operator asked for it."""
    batch_id: UUID
    user_id: UUID
    event_type: str
    receiver: str
    status: DeliveryStatus
    """How the event stands now."""
    next_attempt_at: datetime | None
    """Of the event's last try: when the next one follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptList:
    """Tries, the newest first."""

    schema: str = "batchctl/webhook.attempts/1"
    attempts: tuple[TryEntry, ...]
    more: bool
    """Whether older ones fit too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventShow:
    """All about one event."""

    schema: str = "batchctl/webhook.show/1"
    as_of: datetime
    delivery: EventLine
    endpoint: EndpointLine | None
    """None: its address has neither a secret of its own nor ever failed."""
    own_secrets: int
    """How many secrets of the customer's own sign it; 0: the default one."""
    body: str
    """Byte for byte what is signed and sent."""
    attempts: tuple[TryEntry, ...]
    """The newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PingReport:
    """What a receiver made of a ping."""

    schema: str = "batchctl/webhook.test/1"
    delivered: bool
    receiver: str
    webhook_id: str
    body: str
    status_code: int | None
    duration_ms: int | None
    """None: nothing was sent."""
    error: str | None
    answer: str | None
    signatures: int
    """How many secrets signed it; 0: it was not signed."""
    is_own_secret: bool
    """Whether these are the customer's own."""
    endpoint_id: UUID | None
    endpoint_disabled: bool
    """Whether events for it are kept back."""
