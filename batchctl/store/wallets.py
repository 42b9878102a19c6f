"""Statements on credit_wallet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.credit import Balance, Wallet, WalletMove
from batchctl.statement import Conn, NoRow, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedWallets:
    """What was locked; a customer in neither has no wallet."""

    wallets: dict[UUID, Wallet]
    busy: set[UUID]
    """Customers whose wallet another transaction holds: their batches are left for the next pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _UserId:
    user_id: UUID


_LOCK = Statement("wallets/lock", Wallet)
_LOCK_FREE = Statement("wallets/lock_free", Wallet)
_FIND_BUSY = Statement("wallets/find_busy", _UserId)
_MOVE = Statement("wallets/move", NoRow)
_OPEN = Statement("wallets/open", NoRow)
_GRANT = Statement("wallets/grant", NoRow)
_FIND = Statement("wallets/find", Wallet)
_SHOW = Statement("wallets/show", Balance)


def lock(tx: Conn, user_ids: Iterable[UUID], *, wait: bool) -> LockedWallets:
    """Lock the wallets of these customers; with `wait` no one's is busy, without it nobody is waited for."""
    wanted = set(user_ids)
    locked = {wallet.user_id: wallet for wallet in (_LOCK if wait else _LOCK_FREE).all(tx, user_ids=sorted(wanted))}
    missing = set[UUID]() if wait else wanted - locked.keys()
    busy = {row.user_id for row in _FIND_BUSY.all(tx, user_ids=sorted(missing))} if missing else set[UUID]()
    return LockedWallets(wallets=locked, busy=busy)


def move(tx: Conn, moves: Sequence[WalletMove], *, now: datetime) -> int:
    """Change the balances of locked wallets; return how many were there."""
    return _MOVE.run(
        tx,
        user_ids=[move.user_id for move in moves],
        permanent_deltas=[move.permanent_delta for move in moves],
        bonus_deltas=[move.bonus_delta for move in moves],
        now=now,
    )


def open_for(tx: Conn, user_id: UUID, *, now: datetime) -> bool:
    """Make an empty wallet for a customer who has none; say whether it was made now."""
    return _OPEN.run(tx, user_id=user_id, now=now) == 1


def grant(
    tx: Conn,
    user_id: UUID,
    *,
    permanent_delta: int,
    bonus_delta: int,
    bonus_expires_at: datetime | None,
    now: datetime,
) -> None:
    """Add to a locked wallet; with `bonus_expires_at` all its bonus credits are valid until then."""
    _GRANT.run(
        tx,
        user_id=user_id,
        permanent_delta=permanent_delta,
        bonus_delta=bonus_delta,
        bonus_expires_at=bonus_expires_at,
        now=now,
    )


def find(tx: Conn, user_id: UUID) -> Wallet | None:
    """Return a customer's wallet without locking it, None where there is none."""
    return next(iter(_FIND.all(tx, user_id=user_id)), None)


def show(tx: Conn, user_id: UUID) -> Balance | None:
    """Return a customer's balance beside the ledger, None without a wallet."""
    return next(iter(_SHOW.all(tx, user_id=user_id)), None)
