"""The arithmetic of freezing and giving back, in whole credits; no rounding, no state."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from batchctl.domain.batch import BatchStatus, FinishedBatch, QueuedBatch, Refusal, SettlementStatus, end_of

MOST_CREDITS = 2**63 - 1
"""So many fit into a column of credits."""


class Bucket(StrEnum):
    """The two purses of a wallet."""

    PERMANENT = "permanent"
    BONUS = "bonus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A customer's wallet, locked."""

    user_id: UUID
    permanent_credits: int
    bonus_credits: int
    bonus_expires_at: datetime | None

    def bonus_is_valid(self, now: datetime) -> bool:
        """Bonus credits count only while their expiry lies in the future (contract §1)."""
        return self.bonus_expires_at is not None and self.bonus_expires_at > now

    def available(self, now: datetime) -> int:
        """Return the credits that can be spent: permanent ones, and bonus ones while they are valid (contract §1)."""
        return self.permanent_credits + (self.bonus_credits if self.bonus_is_valid(now) else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A wallet beside the sum of its ledger rows; for a wallet made by batchctl the two agree (contract §1)."""

    permanent_credits: int
    bonus_credits: int
    bonus_expires_at: datetime | None
    ledger_credits: int
    unexplained_credits: int = 0
    """What the wallet held beyond its ledger when its database was adopted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row for the ledger: what a bucket gains (or loses, negative), and why."""

    user_id: UUID
    batch_id: UUID
    type: str
    """spend or refund."""
    ref_type: str
    """batch_upfront or batch_refund."""
    bucket: Bucket
    credits_delta: int
    balance_after: int
    """The bucket after this entry."""
    meta: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What the end of a batch means for its customer's money."""

    batch: FinishedBatch
    spent: int
    refunded: int

    @property
    def status(self) -> SettlementStatus:
        """`refunded` if anything goes back, else `finalized` (contract §2)."""
        return SettlementStatus.REFUNDED if self.refunded else SettlementStatus.FINALIZED

    @property
    def final_status(self) -> BatchStatus:
        """Name the end of the batch."""
        return end_of(self.batch.succeeded_count, self.batch.total_count)


class SettlementImpossibleError(Exception):
    """The books of a batch cannot be closed as they stand; the batch is put on hold with this reason."""


class Purse:
    """A locked wallet while entries are made; it knows the balances that follow from them."""

    def __init__(self, wallet: Wallet, now: datetime) -> None:
        """Start from the balances in the locked row, with bonus credits valid or expired as of `now`."""
        self._user_id = wallet.user_id
        self._balance = {Bucket.PERMANENT: wallet.permanent_credits, Bucket.BONUS: wallet.bonus_credits}
        self._bonus_is_valid = wallet.bonus_is_valid(now)

    def freeze(self, batch: QueuedBatch) -> list[Entry] | Refusal:
        """Take what the batch requires: valid bonus first, for tasks that may use it, then permanent credits."""
        usable_bonus = self._balance[Bucket.BONUS] if self._bonus_is_valid else 0
        bonus = min(usable_bonus, batch.required_credits, batch.bonus_eligible_count * batch.cost_per_video)
        permanent = batch.required_credits - bonus
        if permanent > self._balance[Bucket.PERMANENT]:
            return Refusal.INSUFFICIENT_CREDITS
        taken = ((Bucket.BONUS, bonus, "use_bonus"), (Bucket.PERMANENT, permanent, "use_permanent"))
        return [
            self._entry(batch.id, "spend", "batch_upfront", bucket, -amount, {flag: True})
            for bucket, amount, flag in taken
            if amount
        ]

    def refund(self, settlement: Settlement) -> list[Entry]:
        """Give back where it came from, the permanent part first; bonus that expired meanwhile becomes permanent."""
        batch = settlement.batch
        permanent = min(settlement.refunded, batch.frozen_credits - batch.frozen_bonus)
        bonus = settlement.refunded - permanent
        expired = 0 if self._bonus_is_valid else bonus
        note: dict[str, object] = {"expired_bonus": expired} if expired else {}
        given: tuple[tuple[Bucket, int, dict[str, object]], ...] = (
            (Bucket.PERMANENT, permanent + expired, note),
            (Bucket.BONUS, bonus - expired, {}),
        )
        return [
            self._entry(batch.id, "refund", "batch_refund", bucket, amount, {"refund_to": str(bucket), **meta})
            for bucket, amount, meta in given
            if amount
        ]

    def _entry(
        self, batch_id: UUID, type_: str, ref_type: str, bucket: Bucket, delta: int, meta: dict[str, object]
    ) -> Entry:
        self._balance[bucket] += delta
        return Entry(
            user_id=self._user_id,
            batch_id=batch_id,
            type=type_,
            ref_type=ref_type,
            bucket=bucket,
            credits_delta=delta,
            balance_after=self._balance[bucket],
            meta={"batch_id": str(batch_id), **meta},
        )


def settlement(batch: FinishedBatch) -> Settlement:
    """Charge what succeeded and give back the rest (contract §2).

    Raises SettlementImpossibleError when more succeeded than was frozen for: money is never guessed.
    """
    spent = batch.succeeded_count * batch.cost_per_video
    if not 0 <= spent <= batch.frozen_credits or not 0 <= batch.frozen_bonus <= batch.frozen_credits:
        reason = f"{spent} credits to charge, {batch.frozen_credits} frozen, {batch.frozen_bonus} of them bonus"
        raise SettlementImpossibleError(reason)
    return Settlement(batch=batch, spent=spent, refunded=batch.frozen_credits - spent)


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletMove:
    """What the entries of one customer add up to."""

    user_id: UUID
    permanent_delta: int
    bonus_delta: int


def moves(entries: Iterable[Entry]) -> list[WalletMove]:
    """Sum entries by customer, in the order of their ids (the order in which wallets are locked)."""
    sums: dict[UUID, dict[Bucket, int]] = {}
    for entry in entries:
        of_user = sums.setdefault(entry.user_id, {Bucket.PERMANENT: 0, Bucket.BONUS: 0})
        of_user[entry.bucket] += entry.credits_delta
    return [
        WalletMove(user_id=user_id, permanent_delta=of_user[Bucket.PERMANENT], bonus_delta=of_user[Bucket.BONUS])
        for user_id, of_user in sorted(sums.items())
    ]
