"""Statements on credit_wallet."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from batchctl.domain.credit import Balance, Wallet, WalletMove
from batchctl.statement import Conn, NoRow, Statement

_LOCK = Statement("wallets/lock", Wallet)
_MOVE = Statement("wallets/move", NoRow)
_GRANT = Statement("wallets/grant", NoRow)
_SHOW = Statement("wallets/show", Balance)


def lock(tx: Conn, user_ids: Iterable[UUID]) -> dict[UUID, Wallet]:
    """Lock the wallets of these customers; those without one are missing from the answer."""
    return {wallet.user_id: wallet for wallet in _LOCK.all(tx, user_ids=sorted(set(user_ids)))}


def move(tx: Conn, moves: Sequence[WalletMove], *, now: datetime) -> int:
    """Change the balances of locked wallets; return how many were there."""
    return _MOVE.run(
        tx,
        user_ids=[move.user_id for move in moves],
        permanent_deltas=[move.permanent_delta for move in moves],
        bonus_deltas=[move.bonus_delta for move in moves],
        now=now,
    )


def grant(tx: Conn, user_id: UUID, amount_credits: int, *, reason: str, now: datetime) -> None:
    """Give a customer purchased credits; a wallet is made where there is none."""
    _GRANT.run(tx, user_id=user_id, amount_credits=amount_credits, reason=reason, now=now)


def show(tx: Conn, user_id: UUID) -> Balance | None:
    """Return a customer's balance, None without a wallet."""
    return next(iter(_SHOW.all(tx, user_id=user_id)), None)
