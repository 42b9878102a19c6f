"""Events for customers, and the log of tries to deliver them, for operators: by reads alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from batchctl.domain.delivery import DeliveryStatus, receiver
from batchctl.domain.delivery_page import AttemptList, EventLine, EventList, Events, EventShow, TryEntry
from batchctl.domain.moment import window
from batchctl.domain.new_task import is_storable
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.service import endpoint
from batchctl.service.pick import pick, pick_one
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import deliveries

SHOWN_TRIES = 100
"""Of one event that is shown, the newest; `webhook attempts` lists more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Which events are meant, as an operator writes it; what is None narrows nothing."""

    since: str | None = None
    until: str | None = None
    user_id: UUID | None = None
    batch: str | None = None
    event_type: str | None = None
    endpoint: str | None = None
    host: str | None = None


def meant(world: World, written: Written) -> Events:
    """Return which events are meant; UsageProblem for a time, a batch, an endpoint or a host that is none."""
    now = world.clock()
    since, until = window(written.since, written.until, now)
    return Events(
        since=since,
        until=until,
        user_id=written.user_id,
        batch_id=None if written.batch is None else pick(world.db, [written.batch])[0],
        event_type=written.event_type,
        endpoint_id=None if written.endpoint is None else endpoint.find(world, written.endpoint, None),
        host=None if written.host is None else _host(written.host),
    )


def _host(written: str) -> str:
    """Return the name that is meant, also where a whole address was pasted."""
    host = written.strip().lower().removeprefix("https://").removeprefix("http://").partition("/")[0]
    if not (host and is_storable(host)):
        raise UsageProblem(f"{written[:40]!r} is no name of a host")
    return host


def find(world: World, written: str) -> UUID:
    """Return the event that is meant: by its webhook-id or the first digits of it. UsageProblem where there is none."""

    def between(first: UUID, last: UUID, limit: int) -> list[UUID]:
        return world.db.ask(lambda tx: deliveries.pick(tx, first, last, delivery_limit=limit))

    return pick_one(written, between, "delivery", "deliveries", "batchctl webhook list")


def list_newest(world: World, events: Events, statuses: Sequence[DeliveryStatus], limit: int) -> EventList:
    """List the newest events that fit, `limit` at most; no statuses: whatever theirs."""
    wanted = tuple(dict.fromkeys(statuses)) or tuple(DeliveryStatus)
    found = world.db.survey(lambda tx: deliveries.list_newest(tx, events, statuses=wanted, delivery_limit=limit + 1))
    return EventList(deliveries=tuple(map(_shown, found[:limit])), more=len(found) > limit)


def list_attempts(
    world: World, events: Events, *, delivery_id: UUID | None, only_failed: bool, limit: int
) -> AttemptList:
    """List the newest tries, `limit` at most; `events` takes the time of tries."""
    found = world.db.survey(
        lambda tx: deliveries.attempts(
            tx, events, delivery_id=delivery_id, only_failed=only_failed, try_limit=limit + 1
        )
    )
    return AttemptList(attempts=tuple(map(_tried, found[:limit])), more=len(found) > limit)


def show(world: World, delivery_id: UUID) -> EventShow:
    """Show all about an event, as it is at one moment; Problem when it is no more."""
    now = world.clock()

    def look(tx: Conn) -> EventShow:
        found = deliveries.list_newest(tx, Events(), delivery_id=delivery_id, delivery_limit=1)
        if not found:
            raise Problem(f"there is no delivery {delivery_id} any more")
        (line,) = found
        said = deliveries.find_body(tx, delivery_id, now=now)
        tries = deliveries.attempts(tx, Events(), delivery_id=delivery_id, try_limit=SHOWN_TRIES)
        return EventShow(
            as_of=now,
            delivery=_shown(line),
            endpoint=None if line.endpoint_id is None else endpoint.describe(tx, line.endpoint_id, now),
            own_secrets=said.secret_count,
            body=said.body,
            attempts=tuple(map(_tried, tries)),
        )

    return world.db.survey(look)


def _shown(line: EventLine) -> EventLine:
    return replace(line, receiver=receiver(line.receiver))


def _tried(line: TryEntry) -> TryEntry:
    return replace(line, receiver=receiver(line.receiver))
