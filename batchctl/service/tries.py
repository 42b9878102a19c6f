"""One try of a claimed delivery, for passes and for resends alike: request | answer | record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from uuid import UUID

from batchctl.domain.delivery import ClaimedDelivery, DeliveryRecord, DeliveryStatus, Standing, decide
from batchctl.domain.endpoint import FAILING_TOO_LONG, OTHERS_TOLD, Verdict, verdict
from batchctl.domain.webhook import Delivery, NotDelivered, Rejected
from batchctl.domain.wire import Landed, Request
from batchctl.failpoint import Failpoint, reach
from batchctl.service.sets import Reason, hold_all, write_all
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import deliveries, endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    standings: Sequence[Standing]
    endpoints_disabled: int


class Tries:
    """The tries that are in flight."""

    def __init__(
        self,
        world: World,
        *,
        on_record: Callable[[DeliveryRecord, Standing | None], None],
        on_rejection: Callable[[DeliveryRecord, str], None],
    ) -> None:
        """Start with none.

        `on_record` is called for each try that is over, with how its delivery stands now; None: another try overtook
        it. `on_rejection` is called instead where the database refused the record, with the reason.
        """
        self._world = world
        self._on_record = on_record
        self._on_rejection = on_rejection
        self._keys = count()
        self._in_flight: dict[int, tuple[ClaimedDelivery, Sequence[str]]] = {}
        self.endpoints_disabled = 0
        """How many endpoints were disabled for what their receivers answered, or did not."""

    def prepare(self, claimed: Sequence[ClaimedDelivery], secrets: Mapping[UUID, Sequence[str]]) -> list[Request]:
        """Return the requests of claimed deliveries, signed with their `secrets`, or with the default one if none.

        Those that may not be sent are recorded as failed tries.
        """
        reach(Failpoint.DELIVER_AFTER_INTENT)
        now = self._world.clock()
        requests: list[Request] = []
        rejected: list[DeliveryRecord] = []
        for delivery in claimed:
            key = next(self._keys)
            match self._world.courier.request(key, _to_send(delivery, secrets[delivery.id]), now):
                case Rejected(error=error):
                    answer = NotDelivered(status=None, error=error, blames_receiver=False)
                    rejected.append(decide(delivery, answer, 0, self._world.limits, now, self._world.random))
                case request:
                    self._in_flight[key] = delivery, secrets[delivery.id]
                    requests.append(request)
        self._record(rejected, now)
        return requests

    def land(self, group: Sequence[Landed]) -> None:
        """Record what became of tries."""
        now = self._world.patient_clock()
        records: list[DeliveryRecord] = []
        for landed in group:
            delivery, signed_with = self._in_flight.pop(landed.key)
            answer = self._world.courier.read(landed.outcome, signed_with)
            records.append(decide(delivery, answer, landed.duration_ms, self._world.limits, now, self._world.random))
        self._record(records, now)

    def _record(self, records: list[DeliveryRecord], now: datetime) -> None:
        if not records:
            return
        records.sort(key=lambda record: record.id)
        reach(Failpoint.DELIVER_ANSWERED)
        written = write_all(self._world.db, records, lambda tx, some: _write(tx, some, now))
        reach(Failpoint.DELIVER_AFTER_COMMIT)
        self.endpoints_disabled += sum(group.endpoints_disabled for group in written.results)
        standings = {standing.id: standing for group in written.results for standing in group.standings}
        rejected = {record.id: record for record, _ in written.rejected}
        for record in records:
            if record.id not in rejected:
                self._on_record(record, standings.get(record.id))
        if rejected:
            reasons = [(record.id, _reason(record, error)) for record, error in written.rejected]
            for delivery_id, reason in _give_up(self._world, reasons, now):
                self._on_rejection(rejected[delivery_id], reason)


def _give_up(world: World, reasons: Sequence[Reason], now: datetime) -> list[Reason]:
    """Give up deliveries, and have their batches say so in the same transaction; or alone, where a batch refuses."""

    def with_batches(tx: Conn, some: Sequence[Reason]) -> None:
        deliveries.give_up(tx, some)
        deliveries.tell_batches(tx, [delivery_id for delivery_id, _ in some], now=now)

    held = hold_all(world.db, reasons, with_batches)
    refused = set(held.refused)
    alone = [reason for reason in reasons if reason[0] in refused]
    told = [reason for reason in held.reasons if reason[0] not in refused]
    return told + (hold_all(world.db, alone, deliveries.give_up).reasons if alone else [])


def tell_batches(world: World, ids: Sequence[UUID]) -> None:
    """Have the batches of deliveries that were given up say so, where the database lets them."""
    if not ids:
        return
    now = world.patient_clock()
    write_all(world.db, ids, lambda tx, some: deliveries.tell_batches(tx, some, now=now))


def _write(tx: Conn, records: Sequence[DeliveryRecord], now: datetime) -> _Written:
    standings = deliveries.record(tx, records, now=now)
    moved = {standing.id for standing in standings}
    disabled = _note(tx, [record for record in records if record.id in moved], now)
    reach(Failpoint.DELIVER_BEFORE_COMMIT, tx)
    return _Written(standings=standings, endpoints_disabled=disabled)


def _note(tx: Conn, records: Sequence[DeliveryRecord], now: datetime) -> int:
    """Note what tries say of their endpoints; return how many are disabled for it."""
    verdicts = [(record.id, said) for record in records if (said := verdict(record)) is not None]
    taken = [delivery_id for delivery_id, said in verdicts if said is Verdict.TAKEN]
    failures = [(delivery_id, said) for delivery_id, said in verdicts if said is not Verdict.TAKEN]
    if taken:
        endpoints.note_success(tx, taken, now=now)
    if not failures:
        return 0
    return endpoints.note_failures(
        tx, failures, failing_before=now - FAILING_TOO_LONG, told_since=now - OTHERS_TOLD, now=now
    )


def _reason(record: DeliveryRecord, error: str) -> str:
    """Say why a record could not be written, and that the receiver has the event, which nothing else remembers."""
    return f"{error}; the receiver has it" if record.status is DeliveryStatus.SENT else error


def _to_send(delivery: ClaimedDelivery, secrets: Sequence[str]) -> Delivery:
    return Delivery(
        id=str(delivery.id),
        batch_id=str(delivery.batch_id),
        url=delivery.url,
        body=delivery.body.encode(),
        secrets=secrets,
    )
