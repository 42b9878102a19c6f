"""Writing events for customers into the outbox, in the transaction that makes them true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.delivery import NewDelivery
from batchctl.domain.resend import Books
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


def write_from_books(world: World, tx: Conn, urls: Mapping[UUID, str | None], now: datetime) -> list[UUID]:
    """Write the events of ended batches that nobody wrote when they ended, as the books tell them.

    Returns the new deliveries of these locked batches.
    """
    if not urls:
        return []
    books = deliveries.find_books(tx, list(urls))
    events = [NewEvent(url=urls[one.batch_id], event=_event(one)) for one in books]
    return [delivery.id for delivery in write_events(world, tx, events, now)]


def _event(books: Books) -> Event:
    return Event(
        batch_id=str(books.batch_id),
        user_id=str(books.user_id),
        status=books.status,
        total_count=books.total_count,
        success_count=books.success_count,
        failed_count=books.failed_count,
        credits_spent=books.credits_spent,
        credits_refunded=books.credits_refunded,
        reason=books.last_error,
        timestamp_ms=int(books.ended_at.timestamp() * 1000),
    )
