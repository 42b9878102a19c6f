"""Telling customers once more because an operator asks for it: claim | post | record, one try a delivery.

A resend can only make things better: what was delivered stays delivered, what was given up stays given up unless the
receiver takes it now, and what is still to be retried keeps its schedule.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from batchctl.domain.delivery import ClaimedDelivery, DeliveryRecord, DeliveryStatus, Standing, lease
from batchctl.domain.endpoint import RELEASED_PER_SECOND
from batchctl.domain.problem import Problem, RowsRejectedError
from batchctl.domain.report import Finding
from batchctl.domain.resend import (
    FRUITLESS,
    GONE,
    HELD,
    RECOVERED,
    RESENT,
    STOPPED,
    UNKNOWN,
    Missed,
    Resendable,
    ResendLine,
    ResendReport,
    ResendResult,
    Window,
    fruitless,
    line,
    overtaken,
    report,
    tried,
)
from batchctl.domain.vault import UnreadableSecretError
from batchctl.domain.webhook import SECRET_MISSING, SECRET_UNREADABLE, Delivery, Rejected
from batchctl.domain.wire import Request
from batchctl.failpoint import Failpoint, reach
from batchctl.service.flight import fly
from batchctl.service.outbox import write_from_books
from batchctl.service.sets import Written
from batchctl.service.signing import open_all
from batchctl.service.tries import Tries
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import deliveries

Result = TypeVar("Result")

PLACES_PER_RECEIVER = 10
"""So many tries at once for one receiver, however much is resent to it; all of them share the courier's places."""
SECRET_HINT = "set ENTERPRISE_WEBHOOK_SECRET, or ENTERPRISE_WEBHOOK_ALLOW_UNSIGNED=true"  # noqa: S105 - names of settings


PAUSE_S = 1.0
"""Between the turns of a replay, in each of which a receiver gets RELEASED_PER_SECOND events: it has just come back."""
Chosen = Sequence[UUID] | Window | Missed
"""Batches that were named, those whose event was given up, or a window to replay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    claimed: Sequence[ClaimedDelivery]
    secrets: Mapping[UUID, Sequence[str]] = field(repr=False)
    """Of the claimed deliveries."""
    looked_up: Sequence[Resendable]
    refused: Mapping[UUID, tuple[ResendResult, str]]
    """Batches of the group for which nothing was claimed, each with the reason."""


def rehearse(world: World, chosen: Chosen) -> ResendReport:
    """Say what `resend` would do; sends nothing and writes nothing, which the database holds it to."""
    return Resend(world, chosen).rehearsed()


def resend(world: World, chosen: Chosen, stopping: Callable[[], bool]) -> ResendReport:
    """Try each delivery of what is chosen once and now; go no further once `stopping` says so."""
    return Resend(world, chosen).send(stopping)


class Resend:
    """One resend: what waits for its turn, what is in flight, and what became of each batch."""

    def __init__(self, world: World, chosen: Chosen) -> None:
        """See what could be sent, by reads alone, and queue it."""
        self._world = world
        self._tries = Tries(world, on_record=self._note, on_rejection=self._note_rejection)
        self._lines: dict[UUID, ResendLine] = {}
        self._queue: list[UUID] = []
        """Batches that wait for their turn."""
        self._in_flight: dict[UUID, UUID] = {}
        """Claimed deliveries that are not recorded yet, with their batches."""
        self._findings: list[Finding] = []
        self._selected: dict[UUID, tuple[str, int]] = {}
        """How the event of a batch stood, and after how many tries, when it was selected; none where it was named."""
        self._in_vain = Counter[str | None]()
        """Tries in a row in vain, by receiver."""
        self._in_turn: Counter[str | None] | None = Counter() if isinstance(chosen, Missed) else None
        """What receivers got in this turn; None: there are no turns."""
        self._schema = RECOVERED if isinstance(chosen, Missed) else RESENT
        self._matched = self._select(chosen)
        self._look_up([*self._selected] if isinstance(chosen, Window | Missed) else chosen)

    @property
    def receivers(self) -> int:
        """To how many receivers something would be sent."""
        return len({self._lines[batch_id].receiver for batch_id in self._queue})

    def rehearsed(self) -> ResendReport:
        """Return what would be sent, or will be."""
        return self._report(dry_run=True)

    def send(self, stopping: Callable[[], bool]) -> ResendReport:
        """Send it; go no further once `stopping` says so.

        A problem on the way (the database is away) ends it and is a finding: what was done before is reported all the
        same.
        """
        self._run(stopping)
        return self._report(dry_run=False)

    def _report(self, *, dry_run: bool) -> ResendReport:
        lines = list(self._lines.values())
        return report(lines, self._matched, self._findings, dry_run=dry_run, schema=self._schema)

    def _select(self, chosen: Chosen) -> int:
        """Find what the selection fits and return how many there are, whatever its limit."""
        match chosen:
            case Window():
                found = self._world.db.survey(lambda tx: deliveries.find_failed(tx, chosen))
            case Missed():
                found = self._world.db.survey(lambda tx: deliveries.find_missed(tx, chosen))
            case _:
                return len(chosen)
        self._selected = {one.batch_id: (one.status, one.attempts) for one in found}
        return found[0].match_count if found else 0

    def _look_up(self, batch_ids: Sequence[UUID]) -> None:
        now = self._world.clock()
        looked = _apart(batch_ids, lambda ids: self._world.db.survey(lambda tx: deliveries.look_up(tx, ids, now=now)))
        found = {one.batch_id: one for group in looked.results for one in group}
        rejected = dict(looked.rejected)
        for batch_id in batch_ids:
            one = found.get(batch_id)
            if one is None:
                error = rejected.get(batch_id, GONE)
                self._lines[batch_id] = ResendLine(batch_id=batch_id, result=ResendResult.NOT_TRIED, error=error)
            elif (reason := _refusal(self._world, one, now)) is not None:
                self._lines[batch_id] = line(one, ResendResult.NOT_TRIED, reason)
            else:
                self._lines[batch_id] = line(one, ResendResult.WOULD_BE_TRIED, one.last_error)
                self._queue.append(batch_id)

    def _run(self, stopping: Callable[[], bool]) -> None:
        """Try what is queued, as places become free, turn by turn where there are turns."""
        try:
            fly(self._world.webhook_http, take=self._take, land=self._tries.land, is_spent=stopping)
            while self._queue and self._in_turn is not None and not stopping():
                self._world.sleep(PAUSE_S)
                self._in_turn.clear()
                fly(self._world.webhook_http, take=self._take, land=self._tries.land, is_spent=stopping)
        except Problem as problem:
            self._findings.append(Finding(message=str(problem), exit_code=problem.exit_code))
        for batch_id in self._in_flight.values():
            self._lines[batch_id] = replace(self._lines[batch_id], result=ResendResult.NOT_DELIVERED, error=UNKNOWN)
        for batch_id, one in [*self._lines.items()]:
            if one.result is ResendResult.WOULD_BE_TRIED:
                self._leave(batch_id, ResendResult.NOT_TRIED, STOPPED)

    def _take(self, free: int) -> list[Request]:
        requests: list[Request] = []
        while not requests and (batch_ids := self._next(free)):
            groups = self._claim(batch_ids)
            requests = [request for group in groups for request in self._tries.prepare(group.claimed, group.secrets)]
        return requests

    def _next(self, free: int) -> list[UUID]:
        """Take the next batches from the queue, at most `free`, passing over receivers that have enough."""
        busy = Counter(self._lines[batch_id].receiver for batch_id in self._in_flight.values())
        chosen: list[UUID] = []
        left: list[UUID] = []
        for batch_id in self._queue:
            at = self._lines[batch_id].receiver
            if self._selected and self._in_vain[at] >= FRUITLESS:
                self._leave(batch_id, ResendResult.NOT_TRIED, fruitless(at))
            elif len(chosen) < free and busy[at] < PLACES_PER_RECEIVER and self._has_turn(at):
                busy[at] += 1
                chosen.append(batch_id)
            else:
                left.append(batch_id)
        self._queue = left
        return chosen

    def _has_turn(self, at: str | None) -> bool:
        """Say whether a receiver may get one more in this turn, and count it."""
        if self._in_turn is None:
            return True
        if self._in_turn[at] >= RELEASED_PER_SECOND:
            return False
        self._in_turn[at] += 1
        return True

    def _leave(self, batch_id: UUID, result: ResendResult, error: str | None) -> None:
        """Note that nothing is sent for a batch, and why."""
        self._lines[batch_id] = replace(self._lines[batch_id], result=result, status_code=None, error=error)

    def _claim(self, batch_ids: Sequence[UUID]) -> list[_Group]:
        now = self._world.clock()
        claimed = _apart(batch_ids, lambda ids: self._world.db.transact(lambda tx: self._claim_group(tx, ids, now)))
        for batch_id, error in claimed.rejected:
            self._leave(batch_id, ResendResult.NOT_TRIED, error)
        for group in claimed.results:
            for one in group.looked_up:
                self._lines[one.batch_id] = line(one, *group.refused.get(one.batch_id, (ResendResult.NOT_TRIED, None)))
            self._in_flight |= {delivery.id: delivery.batch_id for delivery in group.claimed}
        return claimed.results

    def _claim_group(self, tx: Conn, batch_ids: Sequence[UUID], now: datetime) -> _Group:
        held = {(one.batch_id, one.delivery_id) for one in deliveries.hold_still(tx, batch_ids)}
        looked_up = deliveries.look_up(tx, batch_ids, now=now)
        refused: dict[UUID, tuple[ResendResult, str]] = {}
        going: list[Resendable] = []
        for one in looked_up:
            if (one.status, one.attempts) != self._selected.get(one.batch_id, (one.status, one.attempts)):
                refused[one.batch_id] = ResendResult.SKIPPED, overtaken(one)
            elif reason := _refusal(self._world, one, now):
                refused[one.batch_id] = ResendResult.NOT_TRIED, reason
            elif (one.batch_id, one.delivery_id) not in held:
                refused[one.batch_id] = ResendResult.NOT_TRIED, HELD
            else:
                going.append(one)
        claimed = self._claim_held(tx, going, now) if going else []
        own = {one.batch_id: open_all(self._world.vault, one.secrets) for one in going}
        secrets = {delivery.id: own[delivery.batch_id] for delivery in claimed}
        reach(Failpoint.DELIVER_BEFORE_INTENT, tx)
        return _Group(claimed=claimed, secrets=secrets, looked_up=looked_up, refused=refused)

    def _claim_held(self, tx: Conn, going: Sequence[Resendable], now: datetime) -> list[ClaimedDelivery]:
        ids = [one.delivery_id for one in going if one.delivery_id is not None]
        ids += write_from_books(
            self._world, tx, {one.batch_id: one.url for one in going if one.delivery_id is None}, now
        )
        moved = [(one.delivery_id, one.new_url) for one in going if one.delivery_id and one.new_url]
        if moved:
            deliveries.readdress(tx, moved)
        lease_until = now + lease(self._world.limits)
        claimed = deliveries.claim(tx, ids, lease_until=lease_until, by_operator=True, now=now)
        # Now and not when the try is over: a resend that is killed then leaves nothing behind that has to be mended.
        deliveries.tell_batches(tx, ids, now=now)
        return claimed

    def _note(self, record: DeliveryRecord, standing: Standing | None) -> None:
        batch_id = self._in_flight.pop(record.id)
        one = self._lines[batch_id] = tried(self._lines[batch_id], record, standing)
        if record.status is DeliveryStatus.SENT:
            self._in_vain[one.receiver] = 0
        elif record.blames_receiver:
            self._in_vain[one.receiver] += 1

    def _note_rejection(self, record: DeliveryRecord, reason: str) -> None:
        self._note(record, None)
        self._findings.append(Finding(message=f"what became of delivery {record.id} cannot be written down: {reason}"))


def _refusal(world: World, one: Resendable, now: datetime) -> str | None:
    """Say why nothing may be sent: by its rows, or by the rules for addresses and secrets that every delivery obeys."""
    reason = one.refusal()
    if reason is not None or one.url is None:
        return reason
    try:
        secrets = open_all(world.vault, one.secrets)
    except UnreadableSecretError as unreadable:
        return f"{SECRET_UNREADABLE}: {unreadable}"
    unsent = Delivery(id=str(one.delivery_id), batch_id=str(one.batch_id), url=one.url, body=b"", secrets=secrets)
    match world.courier.request(0, unsent, now):
        case Rejected(error=error):
            return f"{error}: {SECRET_HINT}" if error == SECRET_MISSING else error
        case _:
            return None


def _apart(ids: Sequence[UUID], work: Callable[[Sequence[UUID]], Result]) -> Written[UUID, Result]:
    """Do something with all of them at once, or else one by one: whom the database refuses stands in nobody's way."""
    try:
        return Written(results=[work(ids)], rejected=[])
    except RowsRejectedError as error:
        if len(ids) == 1:
            return Written(results=[], rejected=[(ids[0], str(error))])
    parts = [_apart([one], work) for one in ids]
    return Written(
        results=[result for part in parts for result in part.results],
        rejected=[rejected for part in parts for rejected in part.rejected],
    )
