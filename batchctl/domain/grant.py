"""Credits that an operator gives to a customer: what a grant writes into the wallet and into the ledger."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from batchctl.domain.credit import MOST_CREDITS, Bucket, Wallet
from batchctl.domain.problem import Problem

GRANT = "wallet_grant"
"""The `ref_type` of a grant's row in the ledger; its `ref_id` is the request id, unique for each customer."""
WRITE_OFF = "bonus_expired"
"""The `ref_type` of the row that takes expired bonus credits out of the books."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an operator gives."""

    user_id: UUID
    amount: int
    """In credits."""
    reason: str
    operator: str
    """Who gives it."""
    bonus_expires_at: datetime | None = None
    """Until when bonus credits are valid; None: these are permanent ones."""
    request_id: str | None = None

    @property
    def bucket(self) -> Bucket:
        """Name the purse that it goes to."""
        return Bucket.PERMANENT if self.bonus_expires_at is None else Bucket.BONUS


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantEntry:
    """One row for the ledger."""

    type: str
    """purchase, bonus_grant or adjust."""
    ref_type: str
    ref_id: str | None
    bucket: Bucket
    credits_delta: int
    balance_after: int
    """The bucket after this row."""
    meta: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a grant makes of a locked wallet."""

    entries: tuple[GrantEntry, ...]
    wallet: Wallet
    """The wallet afterwards."""
    written_off: int
    """Expired bonus credits that were taken out of the books, so that the new expiry does not revive them."""
    made_valid: int = 0
    """Bonus credits that had no expiry, and so paid for nothing, and have the new one now."""


def give(wallet: Wallet, grant: Grant, now: datetime) -> Granted:
    """Add a grant to a locked wallet; Problem when it can hold no more.

    A wallet has one expiry for all its bonus credits, so a bonus grant takes care that none vanishes and none revives:
    valid ones live at least as long as before (the later expiry counts for all), expired ones are written off. Those
    without an expiry never expired; nobody knows until when they were meant to be valid, and they get the new one.
    """
    if grant.amount > MOST_CREDITS - wallet.permanent_credits - wallet.bonus_credits:
        held = wallet.permanent_credits + wallet.bonus_credits
        message = f"the wallet holds {held} credits and cannot hold {grant.amount} more: nothing was granted"
        raise Problem(message)
    if grant.bonus_expires_at is None:
        permanent = wallet.permanent_credits + grant.amount
        entry = _entry(grant, "purchase", grant.amount, permanent)
        return Granted(entries=(entry,), wallet=replace(wallet, permanent_credits=permanent), written_off=0)
    is_valid = wallet.bonus_is_valid(now)
    made_valid = wallet.bonus_credits if wallet.bonus_expires_at is None else 0
    written_off = 0 if is_valid else wallet.bonus_credits - made_valid
    bonus = wallet.bonus_credits - written_off + grant.amount
    expires_at = grant.bonus_expires_at
    if is_valid and wallet.bonus_expires_at is not None:
        expires_at = max(expires_at, wallet.bonus_expires_at)
    until: dict[str, object] = {"expires_at": expires_at.isoformat()}
    noted = until | {"made_valid": made_valid} if made_valid else until
    entry = _entry(grant, "bonus_grant", grant.amount, bonus, noted)
    entries = (_write_off(wallet, grant), entry) if written_off else (entry,)
    changed = replace(wallet, bonus_credits=bonus, bonus_expires_at=expires_at)
    return Granted(entries=entries, wallet=changed, written_off=written_off, made_valid=made_valid)


def _entry(
    grant: Grant, type_: str, delta: int, balance_after: int, meta: dict[str, object] | None = None
) -> GrantEntry:
    return GrantEntry(
        type=type_,
        ref_type=GRANT,
        ref_id=grant.request_id,
        bucket=grant.bucket,
        credits_delta=delta,
        balance_after=balance_after,
        meta={"reason": grant.reason, "operator": grant.operator, **(meta or {})},
    )


def _write_off(wallet: Wallet, grant: Grant) -> GrantEntry:
    expired = wallet.bonus_expires_at.isoformat() if wallet.bonus_expires_at else None
    return GrantEntry(
        type="adjust",
        ref_type=WRITE_OFF,
        ref_id=grant.request_id,
        bucket=Bucket.BONUS,
        credits_delta=-wallet.bonus_credits,
        balance_after=0,
        meta={"reason": "expired bonus credits", "operator": grant.operator, "expired_at": expired},
    )
