"""Statements on webhook_deliveries and delivery_attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.delivery import ClaimedDelivery, DeliveryRecord, DeliveryStatus, NewDelivery
from batchctl.statement import Conn, NoRow, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingDelivery:
    """A delivery that waits for a secret, or was given up for want of one."""

    id: UUID
    status: DeliveryStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id:
    id: UUID


_INSERT = Statement("deliveries/insert", NoRow)
_AWAIT_SECRET = Statement("deliveries/await_secret", WaitingDelivery)
_FIND_DUE = Statement("deliveries/find_due", _Id)
_CLAIM = Statement("deliveries/claim", ClaimedDelivery)
_RECORD = Statement("deliveries/record", _Id)
_GIVE_UP = Statement("deliveries/give_up", NoRow)


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
    tx: Conn, ids: Sequence[UUID], *, lease_until: datetime, signs_by_default: bool, now: datetime
) -> list[ClaimedDelivery]:
    """Claim locked deliveries for a try; unless `signs_by_default`, only those whose endpoint has its own secret."""
    return _CLAIM.all(tx, ids=ids, lease_until=lease_until, signs_by_default=signs_by_default, now=now)


def await_secret(
    tx: Conn, ids: Sequence[UUID], *, next_attempt_at: datetime, given_up_before: datetime, now: datetime
) -> list[WaitingDelivery]:
    """Put off locked deliveries for want of a secret; give up those created before `given_up_before`."""
    return _AWAIT_SECRET.all(tx, ids=ids, next_attempt_at=next_attempt_at, given_up_before=given_up_before, now=now)


def record(tx: Conn, records: Sequence[DeliveryRecord], *, now: datetime) -> set[UUID]:
    """Write what became of tries; return the deliveries that were moved by them."""
    rows = _RECORD.all(
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
    return {row.id for row in rows}


def give_up(tx: Conn, reasons: Sequence[tuple[UUID, str]]) -> int:
    """Fail open deliveries that cannot be written otherwise, each with its reason; return how many."""
    return _GIVE_UP.run(tx, ids=[delivery_id for delivery_id, _ in reasons], reasons=[reason for _, reason in reasons])
