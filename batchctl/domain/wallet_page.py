"""What operators are shown of wallets, and of the ledger beside them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from batchctl.domain.credit import Balance, Bucket


class EntryType(StrEnum):
    """The values of `credit_ledger.type`."""

    PURCHASE = "purchase"
    BONUS_GRANT = "bonus_grant"
    SPEND = "spend"
    REFUND = "refund"
    ADJUST = "adjust"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """A row of the ledger as it is listed."""

    id: int
    created_at: datetime | None
    type: EntryType
    ref_type: str | None
    ref_id: str | None
    bucket: str | None
    credits_delta: int
    balance_after: int | None
    """The bucket afterwards; None where another program wrote the row."""
    reason: str | None
    operator: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """A row of the ledger, and what the customer had after it."""

    id: int
    created_at: datetime | None
    type: EntryType
    ref_type: str | None
    ref_id: str | None
    bucket: str | None
    credits_delta: int
    balance_after: int | None
    """The bucket afterwards; None where another program wrote the row."""
    total_after: int
    """Both buckets afterwards, as far as the ledger says: with what was there at the adoption of the database."""
    reason: str | None
    operator: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntriesWanted:
    """Which rows of a customer's ledger are to be listed; what is None or empty narrows nothing."""

    since: datetime | None = None
    """Of `created_at`, itself included."""
    until: datetime | None = None
    """Itself left out."""
    types: tuple[EntryType, ...] = ()
    batch_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletHistory:
    """What happened to a customer's credits, the newest first."""

    schema: str = "batchctl/wallet.history/1"
    user_id: UUID
    entries: tuple[HistoryLine, ...]
    more: bool
    """Whether there are older ones that were wanted too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBatches:
    """A customer's open batches and the credits frozen in them."""

    batch_count: int
    frozen_credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletShow:
    """A customer's credits, as they were at one moment."""

    schema: str = "batchctl/wallet.show/1"
    as_of: datetime
    user_id: UUID
    balance: Balance
    bonus_is_valid: bool
    available_credits: int
    open_batches: OpenBatches
    difference_credits: int
    """What the wallet holds beyond its ledger, and beyond what was unexplained at adoption; 0: the books agree."""
    ledger: tuple[LedgerLine, ...]
    """The last rows, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantReport:
    """What a grant came to."""

    schema: str = "batchctl/wallet.grant/1"
    user_id: UUID
    bucket: Bucket
    amount: int
    already_granted: bool
    """Whether the same request id had granted it before, so that nothing was written now."""
    dry_run: bool
    written_off: int
    """Expired bonus credits that were taken out of the books."""
    made_valid: int
    """Bonus credits that had no expiry, and so paid for nothing, and have the new one now."""
    permanent_credits: int
    bonus_credits: int
    bonus_expires_at: datetime | None
    available_credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustReport:
    """What an adjustment came to."""

    schema: str = "batchctl/wallet.adjust/1"
    user_id: UUID
    bucket: Bucket
    amount: int
    """Given where it is positive, taken where it is negative."""
    already_adjusted: bool
    """Whether the same request id had done it before, so that nothing was written now."""
    dry_run: bool
    permanent_credits: int
    bonus_credits: int
    bonus_expires_at: datetime | None
    available_credits: int
