"""Statements on webhook_deliveries and delivery_attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.delivery import ClaimedDelivery, DeliveryRecord, DeliveryStatus, NewDelivery, Standing
from batchctl.domain.resend import Books, HeldBatch, Resendable, Window
from batchctl.statement import Conn, NoRow, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingDelivery:
    """A delivery that waits until it can be signed, or was given up because it could not."""

    id: UUID
    status: DeliveryStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedBatch:
    """A batch whose event was given up, and how many of them there are."""

    batch_id: UUID
    match_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id:
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class _Released:
    released: int


_INSERT = Statement("deliveries/insert", NoRow)
_AWAIT_SECRET = Statement("deliveries/await_secret", WaitingDelivery)
_FIND_DUE = Statement("deliveries/find_due", _Id)
_CLAIM = Statement("deliveries/claim", ClaimedDelivery)
_SET_ASIDE = Statement("deliveries/set_aside", _Id)
_RELEASE = Statement("deliveries/release", _Released)
_RECORD = Statement("deliveries/record", Standing)
_GIVE_UP = Statement("deliveries/give_up", NoRow)
_TELL_BATCHES = Statement("deliveries/tell_batches", NoRow)
_FIND_FAILED = Statement("deliveries/find_failed", FailedBatch)
_LOOK_UP = Statement("deliveries/look_up", Resendable)
_HOLD_STILL = Statement("deliveries/hold_still", HeldBatch)
_FIND_BOOKS = Statement("deliveries/find_books", Books)
_READDRESS = Statement("deliveries/readdress", NoRow)


def insert(tx: Conn, deliveries: Sequence[NewDelivery], *, now: datetime) -> int:
    """Write events into the outbox, due at once; a second event of a kind for a batch is rejected."""
    return _INSERT.run(
        tx,
        ids=[delivery.id for delivery in deliveries],
        batch_ids=[delivery.batch_id for delivery in deliveries],
        event_types=[delivery.event_type for delivery in deliveries],
        urls=[delivery.url for delivery in deliveries],
        bodies=[delivery.body.decode() for delivery in deliveries],
        now=now,
    )


def find_due(
    tx: Conn, *, delivery_limit: int, lease_until: datetime, written_since: datetime | None, now: datetime
) -> list[UUID]:
    """Find and lock deliveries that are due for a try, going round the receivers.

    With `written_since` only first tries of events that are no older. What is leased until `lease_until` at the latest
    counts as under way.
    """
    rows = _FIND_DUE.all(
        tx, delivery_limit=delivery_limit, lease_until=lease_until, written_since=written_since, now=now
    )
    return [row.id for row in rows]


def claim(tx: Conn, ids: Sequence[UUID], *, lease_until: datetime, now: datetime) -> list[ClaimedDelivery]:
    """Claim locked deliveries for a try."""
    return _CLAIM.all(tx, ids=ids, lease_until=lease_until, now=now)


def await_secret(
    tx: Conn,
    unsigned: Sequence[tuple[UUID, str]],
    *,
    next_attempt_at: datetime,
    given_up_before: datetime,
    now: datetime,
) -> list[WaitingDelivery]:
    """Put off locked deliveries that cannot be signed, with why; give up those created before `given_up_before`."""
    return _AWAIT_SECRET.all(
        tx,
        ids=[delivery_id for delivery_id, _ in unsigned],
        errors=[error for _, error in unsigned],
        next_attempt_at=next_attempt_at,
        given_up_before=given_up_before,
        now=now,
    )


def set_aside(tx: Conn, ids: Sequence[UUID], endpoint_ids: Sequence[UUID], *, now: datetime) -> list[UUID]:
    """Set locked deliveries aside until their endpoints are enabled; leave those whose endpoint is so by now."""
    return [row.id for row in _SET_ASIDE.all(tx, ids=ids, endpoint_ids=endpoint_ids, now=now)]


def release(tx: Conn, endpoint_id: UUID, *, per_second: int, now: datetime) -> int:
    """Make due what was set aside for an endpoint, so many a second; return how many."""
    return _RELEASE.one(tx, endpoint_id=endpoint_id, per_second=per_second, now=now).released


def record(tx: Conn, records: Sequence[DeliveryRecord], *, now: datetime) -> list[Standing]:
    """Write what became of tries; return how the deliveries stand that were moved by them."""
    return _RECORD.all(
        tx,
        ids=[r.id for r in records],
        attempts=[r.attempt for r in records],
        statuses=[r.status for r in records],
        next_attempt_ats=[r.next_attempt_at for r in records],
        status_codes=[r.status_code for r in records],
        errors=[r.error for r in records],
        durations_ms=[r.duration_ms for r in records],
        now=now,
    )


def give_up(tx: Conn, reasons: Sequence[tuple[UUID, str]]) -> int:
    """Fail open deliveries that cannot be written otherwise, each with its reason; return how many."""
    return _GIVE_UP.run(tx, ids=[delivery_id for delivery_id, _ in reasons], reasons=[reason for _, reason in reasons])


def tell_batches(tx: Conn, ids: Sequence[UUID], *, now: datetime) -> int:
    """Have the batches of deliveries say how these stand, save those that others hold; return how many."""
    return _TELL_BATCHES.run(tx, ids=ids, now=now)


def find_failed(tx: Conn, window: Window) -> list[FailedBatch]:
    """Find batches whose event was given up and last tried within the window, the one tried longest ago first."""
    return _FIND_FAILED.all(tx, since=window.since, until=window.until, batch_limit=window.limit)


def look_up(tx: Conn, batch_ids: Sequence[UUID], *, now: datetime) -> list[Resendable]:
    """Look up what could be sent for batches, and how it stands; in any order."""
    return _LOOK_UP.all(tx, batch_ids=list(batch_ids), now=now)


def hold_still(tx: Conn, batch_ids: Sequence[UUID]) -> list[HeldBatch]:
    """Lock batches and their deliveries without waiting; those that others hold are left out."""
    return _HOLD_STILL.all(tx, batch_ids=list(batch_ids))


def find_books(tx: Conn, batch_ids: Sequence[UUID]) -> list[Books]:
    """Find what the books say of ended batches, for an event that nobody wrote."""
    return _FIND_BOOKS.all(tx, batch_ids=list(batch_ids))


def readdress(tx: Conn, addresses: Sequence[tuple[UUID, str]]) -> int:
    """Give locked deliveries new addresses; return how many."""
    return _READDRESS.run(tx, ids=[delivery_id for delivery_id, _ in addresses], urls=[url for _, url in addresses])
