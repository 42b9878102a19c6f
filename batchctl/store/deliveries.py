"""Statements on webhook_deliveries and delivery_attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.delivery import ClaimedDelivery, DeliveryRecord, DeliveryStatus, NewDelivery, Standing
from batchctl.domain.delivery_page import EventLine, Events, TryEntry
from batchctl.domain.resend import Books, HeldBatch, Missed, Resendable, Window
from batchctl.statement import Conn, NoRow, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingDelivery:
    """A delivery that waits until it can be signed, or was given up because it could not."""

    id: UUID
    status: DeliveryStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundBatch:
    """A batch whose event a selection fits, how that stands, and how many such batches there are."""

    batch_id: UUID
    status: DeliveryStatus
    attempts: int
    match_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What an event says, and how many secrets of its endpoint's own sign it."""

    body: str
    secret_count: int


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
_FIND_FAILED = Statement("deliveries/find_failed", FoundBatch)
_FIND_MISSED = Statement("deliveries/find_missed", FoundBatch)
_LIST = Statement("deliveries/list", EventLine)
_ATTEMPTS = Statement("deliveries/attempts", TryEntry)
_PICK = Statement("deliveries/pick", _Id)
_FIND_BODY = Statement("deliveries/find_body", Body)
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


def claim(
    tx: Conn, ids: Sequence[UUID], *, lease_until: datetime, by_operator: bool = False, now: datetime
) -> list[ClaimedDelivery]:
    """Claim locked deliveries for a try, which an operator asked for or the schedule of retries."""
    return _CLAIM.all(tx, ids=ids, lease_until=lease_until, by_operator=by_operator, now=now)


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
        answers=[r.answer for r in records],
        now=now,
    )


def give_up(tx: Conn, reasons: Sequence[tuple[UUID, str]]) -> int:
    """Fail open deliveries that cannot be written otherwise, each with its reason; return how many."""
    return _GIVE_UP.run(tx, ids=[delivery_id for delivery_id, _ in reasons], reasons=[reason for _, reason in reasons])


def tell_batches(tx: Conn, ids: Sequence[UUID], *, now: datetime) -> int:
    """Have the batches of deliveries say how these stand, save those that others hold; return how many."""
    return _TELL_BATCHES.run(tx, ids=ids, now=now)


def find_failed(tx: Conn, window: Window) -> list[FoundBatch]:
    """Find batches whose event was given up and last tried within the window, the one tried longest ago first."""
    return _FIND_FAILED.all(tx, since=window.since, until=window.until, batch_limit=window.limit)


def find_missed(tx: Conn, wanted: Missed) -> list[FoundBatch]:
    """Find batches whose events are wanted, the oldest event first."""
    return _FIND_MISSED.all(tx, statuses=list(wanted.statuses), batch_limit=wanted.limit, **_filters(wanted.events))


def list_newest(
    tx: Conn,
    events: Events,
    *,
    statuses: Sequence[DeliveryStatus] = tuple(DeliveryStatus),
    delivery_id: UUID | None = None,
    delivery_limit: int,
) -> list[EventLine]:
    """List the newest events that fit. Receivers are whole addresses."""
    return _LIST.all(
        tx, statuses=list(statuses), delivery_id=delivery_id, delivery_limit=delivery_limit, **_filters(events)
    )


def attempts(
    tx: Conn, events: Events, *, delivery_id: UUID | None = None, only_failed: bool = False, try_limit: int
) -> list[TryEntry]:
    """List the newest tries that began in that time, of events that fit otherwise. Receivers are whole addresses."""
    return _ATTEMPTS.all(tx, delivery_id=delivery_id, only_failed=only_failed, try_limit=try_limit, **_filters(events))


def pick(tx: Conn, first: UUID, last: UUID, *, delivery_limit: int) -> list[UUID]:
    """Return the events whose ids lie between these two, both included."""
    return [row.id for row in _PICK.all(tx, first=first, last=last, delivery_limit=delivery_limit)]


def find_body(tx: Conn, delivery_id: UUID, *, now: datetime) -> Body:
    """Find what an event says."""
    return _FIND_BODY.one(tx, delivery_id=delivery_id, now=now)


def _filters(events: Events) -> dict[str, object]:
    """Return what the statements that look for events have in common."""
    return {
        "since": events.since,
        "until": events.until,
        "user_id": events.user_id,
        "batch_id": events.batch_id,
        "event_type": events.event_type,
        "endpoint_id": events.endpoint_id,
        "host": events.host,
    }


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
