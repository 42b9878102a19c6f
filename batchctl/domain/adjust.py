"""Corrections of a wallet by hand: what one writes into the wallet and into the ledger."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from batchctl.domain.credit import MOST_CREDITS, Bucket, Wallet
from batchctl.domain.grant import GrantEntry
from batchctl.domain.problem import Problem

ADJUST = "wallet_adjust"
"""The `ref_type` of an adjustment's row in the ledger; its `ref_id` is the request id, unique for each customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What an operator corrects."""

    user_id: UUID
    amount: int
    """In credits: given where it is positive, taken where it is negative."""
    bucket: Bucket
    reason: str
    operator: str
    request_id: str | None = None


def adjust(wallet: Wallet, asked: Adjustment, now: datetime) -> tuple[GrantEntry, Wallet]:
    """Correct one bucket of a locked wallet; return the ledger's row and the wallet afterwards.

    Raises Problem where the bucket would fall below zero, where the wallet can hold no more, and for bonus credits that
    would be given to a wallet in which they are not valid.
    """
    is_bonus = asked.bucket is Bucket.BONUS
    held = wallet.bonus_credits if is_bonus else wallet.permanent_credits
    after = held + asked.amount
    if after < 0:
        message = (
            f"the wallet holds {held} {asked.bucket} credits, {-asked.amount} cannot be taken: nothing was changed"
        )
        raise Problem(message)
    if asked.amount > MOST_CREDITS - wallet.permanent_credits - wallet.bonus_credits:
        in_all = wallet.permanent_credits + wallet.bonus_credits
        message = f"the wallet holds {in_all} credits and cannot hold {asked.amount} more: nothing was changed"
        raise Problem(message)
    if is_bonus and asked.amount > 0 and not wallet.bonus_is_valid(now):
        message = (
            "bonus credits of this wallet are not valid, so that these would pay for nothing; nothing was changed: "
            f"`batchctl wallet grant {asked.user_id} {asked.amount} --bonus --expires TIME --reason TEXT` says until "
            "when they are"
        )
        raise Problem(message)
    entry = GrantEntry(
        type="adjust",
        ref_type=ADJUST,
        ref_id=asked.request_id,
        bucket=asked.bucket,
        credits_delta=asked.amount,
        balance_after=after,
        meta={"reason": asked.reason, "operator": asked.operator},
    )
    return entry, replace(wallet, bonus_credits=after) if is_bonus else replace(wallet, permanent_credits=after)
