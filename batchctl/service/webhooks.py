"""Delivering webhooks from the outbox: claim a try | post | record; never touches money."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from batchctl.domain.delivery import ClaimedDelivery, DeliveryRecord, DeliveryStatus, decide, lease, slow_window
from batchctl.domain.report import Finding, WebhookReport
from batchctl.domain.webhook import Delivery, NotDelivered, Rejected
from batchctl.domain.wire import Landed, Request
from batchctl.service.flight import fly
from batchctl.service.sets import Reason, hold_all, take_all, write_all
from batchctl.service.world import Budget, World
from batchctl.statement import Conn
from batchctl.store import deliveries
from batchctl.store.deliveries import WaitingDelivery

ASK_AGAIN_S = 0.2
"""While receivers are slow, how often to look for other deliveries that have become due."""
SECRET_WAIT = timedelta(minutes=5)
"""How often a delivery is looked at again that nobody has a secret to sign for."""


def deliver(world: World, budget: Budget) -> WebhookReport:
    """Try what is due, and again after the quick waits while the budget lasts; slow retries are left to later passes.

    An event that the pass wrote gets its first try even when the budget is spent (contract §5).
    """
    tries = Tries(world, budget)
    tries.run()
    last = Counter(record.status for record in tries.last.values())
    return WebhookReport(
        sent=last[DeliveryStatus.SENT],
        retrying=last[DeliveryStatus.RETRYING],
        failed=last[DeliveryStatus.FAILED] + tries.unsigned[DeliveryStatus.FAILED] + len(tries.given_up),
        waiting_for_secret=tries.unsigned.total() - tries.unsigned[DeliveryStatus.FAILED],
        findings=tuple(
            Finding(message=f"delivery {delivery_id} is given up: {reason}")
            for delivery_id, reason in tries.given_up.items()
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    claimed: Sequence[ClaimedDelivery]
    unsigned: Sequence[WaitingDelivery]


class Tries:
    """One pass's tries: what is in flight, and how each delivery stands after its last try."""

    def __init__(self, world: World, budget: Budget) -> None:
        """Start with nothing in flight."""
        self._world = world
        self._budget = budget
        self._keys = count()
        self._in_flight: dict[int, ClaimedDelivery] = {}
        self._soon: dict[UUID, datetime] = {}
        """Quick retries that are not due yet."""
        self.last: dict[UUID, DeliveryRecord] = {}
        self.unsigned = Counter[DeliveryStatus]()
        """How those stand that nobody has a secret to sign for."""
        self.given_up: dict[UUID, str] = {}
        """Deliveries that the database would not let through, with the reasons."""

    def run(self) -> None:
        """Try what is due; wait for quick retries and try those too, while the budget lasts."""
        while True:
            fly(
                self._world.webhook_http,
                take=self._take,
                land=self._land,
                is_spent=self._budget.stopping,
                ask_again_s=ASK_AGAIN_S,
            )
            if not self._soon or self._budget.stopping():
                return
            wait_s = max((min(self._soon.values()) - self._world.clock()).total_seconds(), 0.0)
            if wait_s > self._budget.left_s():
                return
            self._world.sleep(wait_s)

    def _take(self, free: int) -> list[Request]:
        """Claim tries and return their requests; others are claimed instead of those that may not be sent."""
        requests: list[Request] = []
        goes_on = True
        while goes_on and not requests:
            given_up = len(self.given_up)
            groups = self._claim(free)
            claimed = [delivery for group in groups for delivery in group.claimed]
            unsigned = [delivery for group in groups for delivery in group.unsigned]
            requests = self._prepare(claimed)
            self.unsigned.update(delivery.status for delivery in unsigned)
            goes_on = bool(claimed or unsigned) or len(self.given_up) > given_up
        return requests

    def _claim(self, free: int) -> list[_Group]:
        now = self._world.clock()
        # What is due is claimed now, here or by another worker; so nobody is waited for in vain.
        self._soon = {delivery_id: due_at for delivery_id, due_at in self._soon.items() if due_at > now}
        written_since = self._budget.started_at if self._budget.is_spent() else None
        taken = take_all(
            self._world.db,
            free,
            lambda tx, limit, seen: self._claim_group(tx, limit, seen, written_since, now),
            deliveries.give_up,
        )
        self._note_given_up(taken.rejected)
        return taken.results

    def _claim_group(
        self, tx: Conn, limit: int, seen: list[UUID], written_since: datetime | None, now: datetime
    ) -> _Group:
        lease_until = now + lease(self._world.limits)
        seen[:] = deliveries.find_due(
            tx, delivery_limit=limit, lease_until=lease_until, written_since=written_since, now=now
        )
        if not seen:
            return _Group(claimed=[], unsigned=[])
        claimed = deliveries.claim(
            tx, seen, lease_until=lease_until, signs_by_default=self._world.signs_by_default, now=now
        )
        unsigned = sorted({*seen} - {delivery.id for delivery in claimed})
        if not unsigned:
            return _Group(claimed=claimed, unsigned=[])
        given_up_before = now - slow_window(self._world.limits.webhook_slow_retries)
        waiting = deliveries.await_secret(
            tx, unsigned, next_attempt_at=now + SECRET_WAIT, given_up_before=given_up_before, now=now
        )
        return _Group(claimed=claimed, unsigned=waiting)

    def _prepare(self, claimed: Sequence[ClaimedDelivery]) -> list[Request]:
        now = self._world.clock()
        requests: list[Request] = []
        rejected: list[DeliveryRecord] = []
        for delivery in claimed:
            key = next(self._keys)
            match self._world.courier.request(key, _to_send(delivery), now):
                case Rejected(error=error):
                    answer = NotDelivered(status=None, error=error)
                    rejected.append(decide(delivery, answer, 0, self._world.limits, now, self._world.random))
                case request:
                    self._in_flight[key] = delivery
                    requests.append(request)
        self._record(rejected, now)
        return requests

    def _land(self, group: Sequence[Landed]) -> None:
        now = self._world.patient_clock()
        records: list[DeliveryRecord] = []
        for landed in group:
            delivery = self._in_flight.pop(landed.key)
            answer = self._world.courier.read(landed.outcome)
            records.append(decide(delivery, answer, landed.duration_ms, self._world.limits, now, self._world.random))
        self._record(records, now)

    def _record(self, records: list[DeliveryRecord], now: datetime) -> None:
        if not records:
            return
        records.sort(key=lambda record: record.id)
        written = write_all(self._world.db, records, lambda tx, some: deliveries.record(tx, some, now=now))
        recorded = {delivery_id for ids in written.results for delivery_id in ids}
        for record in records:
            if record.id in recorded:
                self.last[record.id] = record
                if record.retries_soon and record.next_attempt_at is not None:
                    self._soon[record.id] = record.next_attempt_at
        if written.rejected:
            reasons = [(record.id, _reason(record, error)) for record, error in written.rejected]
            self._note_given_up(hold_all(self._world.db, reasons, deliveries.give_up).reasons)

    def _note_given_up(self, reasons: Sequence[Reason]) -> None:
        for delivery_id, reason in reasons:
            self.given_up[delivery_id] = reason
            self.last.pop(delivery_id, None)
            self._soon.pop(delivery_id, None)


def _reason(record: DeliveryRecord, error: str) -> str:
    """Say why a record could not be written, and that the receiver has the event, which nothing else remembers."""
    return f"{error}; the receiver has it" if record.status is DeliveryStatus.SENT else error


def _to_send(delivery: ClaimedDelivery) -> Delivery:
    return Delivery(
        id=str(delivery.id),
        batch_id=str(delivery.batch_id),
        url=delivery.url,
        body=delivery.body.encode(),
        secrets=[] if delivery.secret is None else [delivery.secret],
    )
