"""Writing events for customers into the outbox, in the transaction that makes them true."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.delivery import NewDelivery
from batchctl.domain.webhook import Event, body, event_type
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event, and where the customer wants to hear of it; None or empty: nowhere."""

    url: str | None
    event: Event


def write_events(world: World, tx: Conn, events: Sequence[NewEvent], now: datetime) -> list[NewDelivery]:
    """Write a delivery for each event whose batch has a webhook; each gets its webhook-id here, for good."""
    new = [
        NewDelivery(
            id=world.new_id(),
            batch_id=UUID(item.event.batch_id),
            event_type=event_type(item.event.status),
            url=item.url,
            body=body(item.event),
        )
        for item in events
        if item.url
    ]
    if new:
        deliveries.insert(tx, new, now=now)
    return new
