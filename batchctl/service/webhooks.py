"""Delivering webhooks from the outbox: claim a try | post | record; never touches money."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from batchctl.domain.delivery import ClaimedDelivery, DeliveryRecord, DeliveryStatus, Standing, lease, slow_window
from batchctl.domain.pause import Stage
from batchctl.domain.report import Finding, WebhookReport
from batchctl.domain.wire import Request
from batchctl.failpoint import Failpoint, reach
from batchctl.service import pauses
from batchctl.service.flight import fly, told
from batchctl.service.sets import take_all
from batchctl.service.signing import sort_out
from batchctl.service.tries import Tries, tell_batches
from batchctl.service.world import Budget, World
from batchctl.statement import Conn
from batchctl.store import deliveries
from batchctl.store.deliveries import WaitingDelivery

ASK_AGAIN_S = 0.2
"""While receivers are slow, how often to look for other deliveries that have become due."""
SECRET_WAIT = timedelta(minutes=5)
"""How often a delivery is looked at again that cannot be signed."""


def deliver(world: World, budget: Budget) -> WebhookReport:
    """Try what is due, and again after the quick waits while the budget lasts; slow retries are left to later passes.

    An event that the pass wrote gets its first try even when the budget is spent (contract §5), but nothing is tried
    while the stage is paused.
    """
    if paused := pauses.of(world, Stage.WEBHOOK):
        return WebhookReport(paused=paused)
    turn = Round(world, budget)
    broken = told(turn.run)
    last = Counter(turn.last.values())
    return WebhookReport(
        sent=last[DeliveryStatus.SENT],
        retrying=last[DeliveryStatus.RETRYING],
        failed=last[DeliveryStatus.FAILED] + turn.unsigned[DeliveryStatus.FAILED] + len(turn.given_up),
        waiting_for_secret=turn.unsigned.total() - turn.unsigned[DeliveryStatus.FAILED],
        set_aside=len(turn.set_aside),
        endpoints_disabled=turn.endpoints_disabled,
        findings=(
            *broken,
            *(Finding(message=f"delivery {one} is given up: {reason}") for one, reason in turn.given_up.items()),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    claimed: Sequence[ClaimedDelivery] = ()
    secrets: Mapping[UUID, Sequence[str]] = field(default_factory=dict[UUID, Sequence[str]], repr=False)
    unsigned: Sequence[WaitingDelivery] = ()
    set_aside: Sequence[UUID] = ()


class Round:
    """One pass's round of what is due, and how each delivery stands after its last try."""

    def __init__(self, world: World, budget: Budget) -> None:
        """Start with nothing in flight."""
        self._world = world
        self._budget = budget
        self._tries = Tries(world, on_record=self._note, on_rejection=self._note_rejection)
        self._soon: dict[UUID, datetime] = {}
        """Quick retries that are not due yet."""
        self.last: dict[UUID, DeliveryStatus] = {}
        self.unsigned = Counter[DeliveryStatus]()
        """How those stand that cannot be signed."""
        self.set_aside: set[UUID] = set()
        """Those whose endpoint is disabled."""
        self.given_up: dict[UUID, str] = {}
        """Deliveries that the database would not let through, with the reasons."""

    @property
    def endpoints_disabled(self) -> int:
        """Return how many endpoints were disabled for their receivers' sake."""
        return self._tries.endpoints_disabled

    def run(self) -> None:
        """Try what is due; wait for quick retries and try those too, while the budget lasts."""
        while True:
            fly(
                self._world.webhook_http,
                take=self._take,
                land=self._tries.land,
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
            requests = [request for group in groups for request in self._tries.prepare(group.claimed, group.secrets)]
            for group in groups:
                self._note_waiting(group)
            moved = any(group.claimed or group.unsigned or group.set_aside for group in groups)
            goes_on = moved or len(self.given_up) > given_up
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
        for delivery_id, reason in taken.rejected:
            self._note_given_up(delivery_id, reason)
        tell_batches(self._world, [delivery_id for delivery_id, _ in taken.rejected])
        return taken.results

    def _claim_group(
        self, tx: Conn, limit: int, seen: list[UUID], written_since: datetime | None, now: datetime
    ) -> _Group:
        lease_until = now + lease(self._world.limits)
        seen[:] = deliveries.find_due(
            tx, delivery_limit=limit, lease_until=lease_until, written_since=written_since, now=now
        )
        if not seen:
            return _Group()
        found = sort_out(self._world, tx, seen, now)
        claimed = deliveries.claim(tx, [*found.ready], lease_until=lease_until, now=now) if found.ready else []
        set_aside = (
            deliveries.set_aside(tx, [*found.disabled], [*found.disabled.values()], now=now) if found.disabled else []
        )
        waiting = self._await_secrets(tx, found.unsigned, now) if found.unsigned else []
        reach(Failpoint.DELIVER_BEFORE_INTENT, tx)
        return _Group(claimed=claimed, secrets=found.ready, unsigned=waiting, set_aside=set_aside)

    def _await_secrets(self, tx: Conn, unsigned: Sequence[tuple[UUID, str]], now: datetime) -> list[WaitingDelivery]:
        given_up_before = now - slow_window(self._world.limits.webhook_slow_retries)
        return deliveries.await_secret(
            tx, unsigned, next_attempt_at=now + SECRET_WAIT, given_up_before=given_up_before, now=now
        )

    def _note_waiting(self, group: _Group) -> None:
        self.unsigned.update(delivery.status for delivery in group.unsigned)
        self.set_aside.update(group.set_aside)
        for delivery_id in group.set_aside:
            self.last.pop(delivery_id, None)

    def _note(self, record: DeliveryRecord, standing: Standing | None) -> None:
        if standing is None:
            return
        self.last[record.id] = standing.status
        if record.retries_soon and standing.next_attempt_at is not None:
            self._soon[record.id] = standing.next_attempt_at

    def _note_rejection(self, record: DeliveryRecord, reason: str) -> None:
        self._note_given_up(record.id, reason)

    def _note_given_up(self, delivery_id: UUID, reason: str) -> None:
        self.given_up[delivery_id] = reason
        self.last.pop(delivery_id, None)
        self._soon.pop(delivery_id, None)
