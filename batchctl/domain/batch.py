"""Batches: their states, why one is refused, and what a finished one amounts to."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from batchctl.domain.delivery import DeliveryStatus


class BatchStatus(StrEnum):
    """The values of `batch_jobs.status`; queued → processing → completed | partial | failed."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"


def end_of(succeeded_count: int, total_count: int | None) -> BatchStatus:
    """Name the end of a batch: completed (all succeeded), partial, or failed (none); contract §2."""
    if succeeded_count == 0:
        return BatchStatus.FAILED
    return BatchStatus.COMPLETED if succeeded_count == total_count else BatchStatus.PARTIAL


class SettlementStatus(StrEnum):
    """The values of `batch_jobs.settlement_status`."""

    PENDING = "pending"
    FINALIZED = "finalized"
    REFUNDED = "refunded"


class Refusal(StrEnum):
    """Why a queued batch ends as failed with nothing frozen; written to `last_error` (contract §1, §2)."""

    INVALID_BATCH = "INVALID_BATCH"
    TASK_COUNT_MISMATCH = "TASK_COUNT_MISMATCH"
    WALLET_NOT_FOUND = "WALLET_NOT_FOUND"
    INSUFFICIENT_CREDITS = "INSUFFICIENT_CREDITS"
    CANCELLED = "CANCELLED"
    """By an operator, before anything was frozen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedBatch:
    """A queued batch, complete and locked, that asks for its credits."""

    id: UUID
    user_id: UUID
    total_count: int
    cost_per_video: int
    """Credits for one task."""
    bonus_eligible_count: int
    """Tasks that may be paid with bonus credits: all but those of model veo-pro."""
    webhook_url: str | None

    @property
    def required_credits(self) -> int:
        """What is frozen when the batch is claimed (contract §2)."""
        return self.total_count * self.cost_per_video


@dataclass(frozen=True, slots=True, kw_only=True)
class MalformedBatch:
    """A queued batch that can never be claimed, locked, with the reason."""

    id: UUID
    user_id: UUID
    reason: Refusal
    total_count: int | None
    task_count: int
    webhook_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """A batch as it is listed."""

    id: UUID
    created_at: datetime | None
    """None where another program wrote an instant that no calendar has."""
    user_id: UUID
    status: BatchStatus
    total_count: int
    success_count: int
    failed_count: int
    frozen_credits: int
    credits_spent: int
    credits_refunded: int
    last_error: str | None
    hold_reason: str | None
    tasks_on_hold: int
    webhook_status: DeliveryStatus | None
    webhook_attempts: int
    cancelled_at: datetime | None = None
    retry_of: UUID | None = None
    """The batch whose failed tasks it repeats."""

    @property
    def is_held(self) -> bool:
        """Say whether it, or a task of it, waits for an operator."""
        return self.hold_reason is not None or self.tasks_on_hold > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StartableBatch:
    """A batch in processing, locked, with tasks that may be sent now."""

    id: UUID
    user_id: UUID
    tasks_in_flight: int
    due_count: int
    """Tasks that may be sent now, counted up to the cap."""
    customer_in_flight: int
    """Tasks in flight of all batches of the same customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedBatch:
    """A batch of which every task is finished, locked, before its settlement."""

    id: UUID
    user_id: UUID
    total_count: int
    cost_per_video: int
    frozen_credits: int
    frozen_bonus: int
    """The part of the frozen credits that came from the bonus bucket, from the freeze rows of the ledger."""
    succeeded_count: int
    failed_count: int
    last_error: str | None
    webhook_url: str | None
    """Where the customer is to be told; None: nobody is."""
