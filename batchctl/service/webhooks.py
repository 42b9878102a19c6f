"""Delivering webhooks from the outbox: claim a try | post | record; never touches money."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from batchctl.domain.delivery import ClaimedDelivery, DeliveryRecord, DeliveryStatus, decide, lease, slow_window
from batchctl.domain.report import WebhookReport
from batchctl.domain.webhook import Delivery, NotDelivered, Rejected
from batchctl.domain.wire import Landed, Request
from batchctl.service.flight import fly
from batchctl.service.world import Budget, World
from batchctl.store import deliveries

if TYPE_CHECKING:
    from uuid import UUID

ASK_AGAIN_S = 0.2
"""While receivers are slow, how often to look for other deliveries that have become due."""
SECRET_WAIT = timedelta(minutes=5)
"""How often a delivery is looked at again that nobody has a secret to sign for."""
UNSIGNED_PER_PASS = 1000


def deliver(world: World, budget: Budget) -> WebhookReport:
    """Try what is due, and again after the quick waits while the budget lasts; slow retries are left to later passes.

    An event that the pass wrote gets its first try even when the budget is spent (contract §5).
    """
    waiting = Counter[DeliveryStatus]() if world.signs_by_default else _await_secrets(world)
    tries = Tries(world, budget)
    tries.run()
    last = Counter(record.status for record in tries.last.values())
    return WebhookReport(
        sent=last[DeliveryStatus.SENT],
        retrying=last[DeliveryStatus.RETRYING],
        failed=last[DeliveryStatus.FAILED] + waiting.pop(DeliveryStatus.FAILED, 0),
        waiting_for_secret=waiting.total(),
    )


def _await_secrets(world: World) -> Counter[DeliveryStatus]:
    now = world.clock()
    waiting = world.db.transact(
        lambda tx: deliveries.await_secret(
            tx,
            delivery_limit=UNSIGNED_PER_PASS,
            next_attempt_at=now + SECRET_WAIT,
            given_up_before=now - slow_window(world.limits.webhook_slow_retries),
            now=now,
        )
    )
    return Counter(delivery.status for delivery in waiting)


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
        while not requests and (claimed := self._claim(free)):
            requests = self._prepare(claimed)
        return requests

    def _claim(self, free: int) -> list[ClaimedDelivery]:
        now = self._world.clock()
        # What is due is claimed now, here or by another worker; so nobody is waited for in vain.
        self._soon = {delivery_id: due_at for delivery_id, due_at in self._soon.items() if due_at > now}
        lease_until = now + lease(self._world.limits)
        written_since = self._budget.started_at if self._budget.is_spent() else None
        return self._world.db.transact(
            lambda tx: deliveries.claim(
                tx,
                delivery_limit=free,
                lease_until=lease_until,
                written_since=written_since,
                signs_by_default=self._world.signs_by_default,
                now=now,
            )
        )

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
        now = self._world.clock()
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
        recorded = self._world.db.persist(lambda tx: deliveries.record(tx, records, now=now))
        for record in records:
            if record.id in recorded:
                self.last[record.id] = record
                if record.retries_soon and record.next_attempt_at is not None:
                    self._soon[record.id] = record.next_attempt_at


def _to_send(delivery: ClaimedDelivery) -> Delivery:
    return Delivery(
        id=str(delivery.id),
        batch_id=str(delivery.batch_id),
        url=delivery.url,
        body=delivery.body.encode(),
        secrets=[] if delivery.secret is None else [delivery.secret],
    )
