"""The breaker across passes: while the provider refuses our account, one task is tried now and then, and no other."""

from enum import Enum

from batchctl.domain.breaker import OpenBreaker, SubmissionBreaker, probe_wait
from batchctl.domain.report import Finding, account_findings
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import breaker as store


class Gate(Enum):
    """What a pass may send."""

    OPEN = "all that is due"
    PROBE = "one task, and the rest if that is taken"
    SHUT = "nothing"


def pass_gate(world: World) -> Gate:
    """Say what this pass may send; of all workers one takes the probe when it is time."""
    host, now = world.need_provider().host, world.clock()

    def look(tx: Conn) -> Gate:
        known = store.find(tx, provider_host=host)
        if known is None:
            return Gate.OPEN
        next_probe_at = now + probe_wait(known.probe_count + 1)
        is_ours = store.probe(tx, provider_host=host, next_probe_at=next_probe_at, now=now)
        return Gate.PROBE if is_ours else Gate.SHUT

    return world.db.transact(look)


def note(world: World, gate: Gate, seen: SubmissionBreaker) -> tuple[Finding, ...]:
    """Remember what this pass's answers say of our account; return what an operator must know of it."""
    host, now = world.need_provider().host, world.clock()

    def write(tx: Conn) -> OpenBreaker | None:
        if seen.account_error is not None:
            store.open_(tx, provider_host=host, reason=seen.account_error, probe_at=now + probe_wait(0), now=now)
        elif gate is Gate.PROBE and seen.account_is_good:
            store.close(tx, provider_host=host)
        return store.find(tx, provider_host=host)

    if gate is Gate.OPEN and seen.account_error is None:
        return ()
    known = world.db.persist(write)
    if known is None or not known.waiting_count:
        return ()
    since = f"{known.reason} since {known.opened_at:%Y-%m-%d %H:%M} UTC"
    return account_findings(f"{since}; {known.waiting_count} tasks wait, one is tried at {known.probe_at:%H:%M:%S}")
