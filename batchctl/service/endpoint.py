"""Customers' webhook endpoints for operators: their secrets, and whether they are disabled."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from batchctl.domain.delivery import receiver
from batchctl.domain.endpoint import (
    MAX_SECRETS,
    MAX_URL_BYTES,
    RELEASED_PER_SECOND,
    Act,
    EndpointLine,
    EndpointList,
    EndpointReport,
    ResealReport,
    new_secret,
)
from batchctl.domain.new_task import is_storable
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.domain.vault import UnreadableSecretError
from batchctl.domain.webhook import MalformedSecretError, sign_standard
from batchctl.service.pick import pick_one
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import deliveries, endpoints

LISTING = "batchctl webhook endpoint list"
RESEALED_AT_ONCE = 500


def list_some(world: World, *, user_id: UUID | None, only_disabled: bool, limit: int) -> EndpointList:
    """List endpoints, those that changed last first, `limit` at most."""
    now = world.clock()

    def look(tx: Conn) -> EndpointList:
        lines = _lines(tx, None, user_id, now, only_disabled=only_disabled, limit=limit + 1)
        return EndpointList(endpoints=tuple(lines[:limit]), more=len(lines) > limit)

    return world.db.survey(look)


def find(world: World, written: str, url: str | None) -> UUID:
    """Return the endpoint that is meant: by its id or the first digits of it, or by a customer's id and an address.

    Raises UsageProblem where there is none.
    """
    if url is None:

        def between(first: UUID, last: UUID, limit: int) -> list[UUID]:
            return world.db.ask(lambda tx: endpoints.pick(tx, first, last, endpoint_limit=limit))

        return pick_one(written, between, "endpoint", "endpoints", LISTING)
    try:
        user_id = UUID(written)
    except ValueError:
        raise UsageProblem(f"{written[:40]!r} is no customer: with an address write the customer's id") from None
    found = world.db.ask(lambda tx: endpoints.find(tx, user_id, url)) if is_storable(url) else None
    if found is None:
        raise UsageProblem(f"customer {user_id} has no endpoint at that address: `{LISTING}` shows which there are")
    return found


def add(
    world: World, user_id: UUID, url: str, secret: str | None, *, default_until: tuple[str, datetime] | None = None
) -> EndpointReport:
    """Give a customer's address a secret of its own, a new one where none is given.

    `default_until` is the default secret and until when that goes on signing there. Raises UsageProblem for an address
    or a secret that cannot be used, or an endpoint that has a secret already; ConfigProblem without a key to seal with.
    """
    refusal = world.courier.refusal(url)
    if refusal is None and len(url.encode("utf-8", "replace")) > MAX_URL_BYTES:
        refusal = f"longer than {MAX_URL_BYTES} bytes"
    if refusal is not None:
        raise UsageProblem(f"nothing can be sent to that address: {refusal}")
    given = _usable(world, secret)

    def write(tx: Conn, now: datetime) -> EndpointReport:
        endpoints.add(tx, user_id, url, now=now)
        endpoint_id = endpoints.find(tx, user_id, url)
        if endpoint_id is None:  # deleted by hand in this moment
            raise Problem("the endpoint is gone again: try once more")
        _lock(tx, endpoint_id)
        if endpoints.list_secrets(tx, [endpoint_id], now=now):
            message = f"endpoint {endpoint_id} has a secret of its own: `batchctl webhook endpoint rotate` replaces it"
            raise UsageProblem(message)
        endpoints.forget_secrets(tx, endpoint_id, now=now)
        if default_until is not None:
            default, until = default_until
            _keep(world, tx, endpoint_id, default, until, now)
        _keep(world, tx, endpoint_id, given, None, now)
        return _report(tx, Act.ADD, endpoint_id, now, secret=given if secret is None else None)

    return _change(world, write)


def rotate(world: World, endpoint_id: UUID, secret: str | None, expires_at: datetime | None) -> EndpointReport:
    """Give an endpoint a new secret beside those that it has, which expire at `expires_at`; None: at once.

    Raises UsageProblem for a secret that cannot be used or an endpoint that has none, or too many.
    """
    given = _usable(world, secret)

    def write(tx: Conn, now: datetime) -> EndpointReport:
        _lock(tx, endpoint_id)
        in_force = endpoints.list_secrets(tx, [endpoint_id], now=now)
        if not in_force:
            message = f"endpoint {endpoint_id} has no secret of its own: `batchctl webhook endpoint add` gives it one"
            raise UsageProblem(message)
        if world.vault.fingerprint(given) in {one.fingerprint for one in in_force}:
            raise UsageProblem(f"endpoint {endpoint_id} has that secret already")
        endpoints.expire_secrets(tx, endpoint_id, expires_at=max(expires_at or now, now))
        endpoints.forget_secrets(tx, endpoint_id, now=now)
        if len(endpoints.list_secrets(tx, [endpoint_id], now=now)) >= MAX_SECRETS:
            message = (
                f"endpoint {endpoint_id} has {MAX_SECRETS} secrets in force: wait until one expires, or --grace 0s"
            )
            raise UsageProblem(message)
        _keep(world, tx, endpoint_id, given, None, now)
        return _report(tx, Act.ROTATE, endpoint_id, now, secret=given if secret is None else None)

    return _change(world, write)


def disable(world: World, endpoint_id: UUID, *, reason: str, operator: str) -> EndpointReport:
    """Disable an endpoint: its events are kept from now on; one that is disabled keeps the reason that it has."""

    def write(tx: Conn, now: datetime) -> EndpointReport:
        _lock(tx, endpoint_id)
        changed = endpoints.disable(tx, endpoint_id, reason=reason, operator=operator, now=now)
        return _report(tx, Act.DISABLE, endpoint_id, now, changed=changed)

    return _change(world, write)


def rehearse_removal(world: World, endpoint_id: UUID) -> EndpointReport:
    """Say what `remove` would remove, by reads alone; raises what it would raise."""
    now = world.clock()
    return world.db.survey(lambda tx: _removable(tx, endpoint_id, now, changed=False))


def remove(world: World, endpoint_id: UUID) -> EndpointReport:
    """Remove an endpoint and its secrets: the default secret signs for its address again.

    Raises Problem while events wait for it to be enabled.
    """

    def write(tx: Conn, now: datetime) -> EndpointReport:
        _lock(tx, endpoint_id)
        report = _removable(tx, endpoint_id, now, changed=True)
        endpoints.remove(tx, endpoint_id)
        return report

    return _change(world, write)


def _removable(tx: Conn, endpoint_id: UUID, now: datetime, *, changed: bool) -> EndpointReport:
    report = _report(tx, Act.REMOVE, endpoint_id, now, changed=changed)
    if waiting := report.endpoint.waiting_count:
        message = f"{waiting} events wait for endpoint {endpoint_id}: `batchctl webhook endpoint enable` sends them"
        raise Problem(message)
    return report


def enable(world: World, endpoint_id: UUID) -> EndpointReport:
    """Enable an endpoint and make due what was kept for it, the oldest first and so many a second."""

    def write(tx: Conn, now: datetime) -> EndpointReport:
        _lock(tx, endpoint_id)
        changed = endpoints.enable(tx, endpoint_id, now=now)
        released = deliveries.release(tx, endpoint_id, per_second=RELEASED_PER_SECOND, now=now)
        return _report(tx, Act.ENABLE, endpoint_id, now, changed=changed, released=released)

    return _change(world, write)


def reseal(world: World) -> ResealReport:
    """Seal all secrets in force with the first key, so that older keys can go."""
    resealed = unreadable = 0
    last: UUID | None = None
    while True:
        done = world.db.transact(partial(_reseal_some, world, last, world.clock()))
        resealed += done.resealed
        unreadable += done.unreadable
        if done.last is None:
            return ResealReport(resealed=resealed, unreadable=unreadable)
        last = done.last


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resealed:
    resealed: int
    unreadable: int
    last: UUID | None
    """Where to go on; None: that was all."""


def _reseal_some(world: World, after: UUID | None, now: datetime, tx: Conn) -> _Resealed:
    found = endpoints.find_sealed(tx, after=after, secret_limit=RESEALED_AT_ONCE, now=now)
    anew: list[tuple[endpoints.SealedSecret, str]] = []
    for one in found:
        with suppress(UnreadableSecretError):
            anew.append((one, world.vault.seal(world.vault.open(one.sealed))))
    return _Resealed(
        resealed=endpoints.reseal(tx, anew) if anew else 0,
        unreadable=len(found) - len(anew),
        last=found[-1].id if len(found) == RESEALED_AT_ONCE else None,
    )


def describe(tx: Conn, endpoint_id: UUID, now: datetime) -> EndpointLine | None:
    """Return an endpoint as it is listed; None: it is no more."""
    return next(iter(_lines(tx, [endpoint_id], None, now, only_disabled=False, limit=1)), None)


def _usable(world: World, secret: str | None) -> str:
    """Return the secret, or a new one for None; UsageProblem for one that nothing can be signed with."""
    given = new_secret(world.random) if secret is None else secret
    if not given.strip():
        raise UsageProblem("the secret is empty")
    try:
        sign_standard(given, "id", 0, b"")
    except MalformedSecretError as error:
        raise UsageProblem(str(error)) from None
    return given


def _keep(world: World, tx: Conn, endpoint_id: UUID, secret: str, expires_at: datetime | None, now: datetime) -> None:
    vault = world.vault
    sealed, fingerprint = vault.seal(secret), vault.fingerprint(secret)
    endpoints.add_secret(tx, endpoint_id, sealed=sealed, fingerprint=fingerprint, expires_at=expires_at, now=now)


def _lock(tx: Conn, endpoint_id: UUID) -> None:
    if not endpoints.lock(tx, endpoint_id):
        raise Problem(f"there is no endpoint {endpoint_id} any more")


def _change(world: World, write: Callable[[Conn, datetime], EndpointReport]) -> EndpointReport:
    now = world.clock()
    return world.db.transact(lambda tx: write(tx, now))


def _report(
    tx: Conn,
    act: Act,
    endpoint_id: UUID,
    now: datetime,
    *,
    changed: bool = True,
    secret: str | None = None,
    released: int = 0,
) -> EndpointReport:
    (line,) = _lines(tx, [endpoint_id], None, now, only_disabled=False, limit=1)
    schema = f"batchctl/webhook.endpoint.{act}/1"
    return EndpointReport(schema=schema, act=act, changed=changed, endpoint=line, secret=secret, released=released)


def _lines(
    tx: Conn, ids: Sequence[UUID] | None, user_id: UUID | None, now: datetime, *, only_disabled: bool, limit: int
) -> list[EndpointLine]:
    rows = endpoints.list_some(tx, ids=ids, user_id=user_id, only_disabled=only_disabled, endpoint_limit=limit)
    secrets = endpoints.list_secrets(tx, [row.id for row in rows], now=now)
    return [
        EndpointLine(
            **asdict(replace(row, receiver=receiver(row.receiver))),
            secrets=tuple(one for one in secrets if one.endpoint_id == row.id),
        )
        for row in rows
    ]
