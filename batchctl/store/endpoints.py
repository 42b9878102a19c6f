"""Statements on webhook_endpoints and webhook_secrets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from batchctl.domain.endpoint import Address, EndpointRow, SecretLine, Signers, Verdict
from batchctl.statement import Conn, NoRow, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """A secret as it is kept."""

    id: UUID
    endpoint_id: UUID
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id:
    id: UUID


_FIND_SIGNERS = Statement("endpoints/find_signers", Signers)
_NOTE_SUCCESS = Statement("endpoints/note_success", NoRow)
_NOTE_FAILURES = Statement("endpoints/note_failures", _Id)
_LIST = Statement("endpoints/list", EndpointRow)
_LIST_SECRETS = Statement("endpoints/list_secrets", SecretLine)
_PICK = Statement("endpoints/pick", _Id)
_FIND = Statement("endpoints/find", _Id)
_ADD = Statement("endpoints/add", NoRow)
_LOCK = Statement("endpoints/lock", _Id)
_ADD_SECRET = Statement("endpoints/add_secret", NoRow)
_EXPIRE_SECRETS = Statement("endpoints/expire_secrets", NoRow)
_FORGET_SECRETS = Statement("endpoints/forget_secrets", NoRow)
_DISABLE = Statement("endpoints/disable", NoRow)
_ENABLE = Statement("endpoints/enable", NoRow)
_FIND_SEALED = Statement("endpoints/find_sealed", SealedSecret)
_RESEAL = Statement("endpoints/reseal", NoRow)
_REMOVE = Statement("endpoints/remove", NoRow)
_FIND_ADDRESS = Statement("endpoints/find_address", Address)
_FIND_ADDRESS_OF = Statement("endpoints/find_address_of", Address)


def find_signers(tx: Conn, ids: Sequence[UUID], *, now: datetime) -> list[Signers]:
    """Find how deliveries are signed, and which of them have an endpoint that is disabled."""
    return _FIND_SIGNERS.all(tx, ids=ids, now=now)


def note_success(tx: Conn, ids: Sequence[UUID], *, now: datetime) -> int:
    """Note that the endpoints of deliveries took them; return how many had been failing."""
    return _NOTE_SUCCESS.run(tx, ids=ids, now=now)


def note_failures(
    tx: Conn,
    failures: Sequence[tuple[UUID, Verdict]],
    *,
    failing_before: datetime,
    told_since: datetime,
    now: datetime,
) -> int:
    """Note that the endpoints of deliveries failed; return how many are disabled for it.

    One is that fails since `failing_before`; where it cannot be reached, only if another customer was told of a batch
    that has ended since `told_since`.
    """
    rows = _NOTE_FAILURES.all(
        tx,
        ids=[delivery_id for delivery_id, _ in failures],
        verdicts=[verdict for _, verdict in failures],
        failing_before=failing_before,
        told_since=told_since,
        now=now,
    )
    return len(rows)


def list_some(
    tx: Conn, *, ids: Sequence[UUID] | None, user_id: UUID | None, only_disabled: bool, endpoint_limit: int
) -> list[EndpointRow]:
    """List endpoints, those that changed last first; what is None narrows nothing. Receivers are whole addresses."""
    return _LIST.all(
        tx,
        ids=None if ids is None else list(ids),
        user_id=user_id,
        only_disabled=only_disabled,
        endpoint_limit=endpoint_limit,
    )


def list_secrets(tx: Conn, endpoint_ids: Sequence[UUID], *, now: datetime) -> list[SecretLine]:
    """List the secrets in force of endpoints, the oldest first."""
    return _LIST_SECRETS.all(tx, endpoint_ids=list(endpoint_ids), now=now)


def pick(tx: Conn, first: UUID, last: UUID, *, endpoint_limit: int) -> list[UUID]:
    """Return the endpoints whose ids lie between these two, both included."""
    return [row.id for row in _PICK.all(tx, first=first, last=last, endpoint_limit=endpoint_limit)]


def find(tx: Conn, user_id: UUID, url: str) -> UUID | None:
    """Return a customer's endpoint at an address."""
    return next((row.id for row in _FIND.all(tx, user_id=user_id, url=url)), None)


def add(tx: Conn, user_id: UUID, url: str, *, now: datetime) -> None:
    """Add an endpoint where there is none."""
    _ADD.run(tx, user_id=user_id, url=url, now=now)


def lock(tx: Conn, endpoint_id: UUID) -> bool:
    """Lock an endpoint; say whether it is there."""
    return bool(_LOCK.all(tx, endpoint_id=endpoint_id))


def add_secret(
    tx: Conn, endpoint_id: UUID, *, sealed: str, fingerprint: str, expires_at: datetime | None, now: datetime
) -> None:
    """Add a secret to a locked endpoint."""
    _ADD_SECRET.run(tx, endpoint_id=endpoint_id, sealed=sealed, fingerprint=fingerprint, expires_at=expires_at, now=now)


def expire_secrets(tx: Conn, endpoint_id: UUID, *, expires_at: datetime) -> int:
    """Let the secrets of a locked endpoint expire then, or when they would have if that is sooner."""
    return _EXPIRE_SECRETS.run(tx, endpoint_id=endpoint_id, expires_at=expires_at)


def forget_secrets(tx: Conn, endpoint_id: UUID, *, now: datetime) -> int:
    """Delete the secrets of a locked endpoint that have expired."""
    return _FORGET_SECRETS.run(tx, endpoint_id=endpoint_id, now=now)


def disable(tx: Conn, endpoint_id: UUID, *, reason: str, operator: str, now: datetime) -> bool:
    """Disable an endpoint; say whether it was enabled."""
    return bool(_DISABLE.run(tx, endpoint_id=endpoint_id, reason=reason, operator=operator, now=now))


def enable(tx: Conn, endpoint_id: UUID, *, now: datetime) -> bool:
    """Enable an endpoint; say whether it was disabled."""
    return bool(_ENABLE.run(tx, endpoint_id=endpoint_id, now=now))


def find_sealed(tx: Conn, *, after: UUID | None, secret_limit: int, now: datetime) -> list[SealedSecret]:
    """Find secrets in force as they are kept, in the order of their ids, those `after` an id only."""
    return _FIND_SEALED.all(tx, after=after, secret_limit=secret_limit, now=now)


def reseal(tx: Conn, resealed: Sequence[tuple[SealedSecret, str]]) -> int:
    """Keep secrets sealed anew; return how many were still as they were."""
    return _RESEAL.run(
        tx,
        ids=[one.id for one, _ in resealed],
        before=[one.sealed for one, _ in resealed],
        sealed=[sealed for _, sealed in resealed],
    )


def remove(tx: Conn, endpoint_id: UUID) -> None:
    """Remove a locked endpoint with its secrets."""
    _REMOVE.run(tx, endpoint_id=endpoint_id)


def find_address(tx: Conn, endpoint_id: UUID, *, now: datetime) -> Address | None:
    """Find where an endpoint is; None: it is no more."""
    return next(iter(_FIND_ADDRESS.all(tx, endpoint_id=endpoint_id, now=now)), None)


def find_address_of(tx: Conn, user_id: UUID, *, now: datetime) -> Address | None:
    """Find where a customer's newest batch is told of its end; None: none asked for it."""
    return next(iter(_FIND_ADDRESS_OF.all(tx, user_id=user_id, now=now)), None)
