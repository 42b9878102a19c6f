"""Cancelling batches: which can be, what is given back, and what an operator is told of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.batch import BatchStatus

CANCELLED = "CANCELLED"
"""The `last_error` of a cancelled batch, and the `error_message` of its tasks that were not sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellableBatch:
    """How a batch stands that somebody wants to cancel."""

    id: UUID
    user_id: UUID
    status: BatchStatus
    hold_reason: str | None
    cancelled_at: datetime | None
    total_count: int | None
    cost_per_video: int
    frozen_credits: int
    is_settled: bool
    task_count: int
    tasks_pending: int
    tasks_in_flight: int
    webhook_url: str | None

    @property
    def is_queued(self) -> bool:
        """Say whether nothing was frozen for it: it ends at once, refused."""
        return self.status is BatchStatus.QUEUED

    @property
    def credits_back(self) -> int:
        """Return what its unsent tasks will give back when it is settled."""
        return 0 if self.is_queued else min(self.tasks_pending * self.cost_per_video, self.frozen_credits)

    @property
    def left(self) -> str | None:
        """Say why it is left as it is; None: it can be cancelled."""
        if self.cancelled_at is not None:
            return "is cancelled already"
        if self.status not in (BatchStatus.QUEUED, BatchStatus.PROCESSING) or self.is_settled:
            return f"has ended: {self.status}"
        if self.is_queued and self.frozen_credits:
            return "is paid for and not claimed, as the original worker leaves it: a pass must put it right first"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelLine:
    """One batch of a cancellation."""

    id: UUID
    user_id: UUID
    status: BatchStatus
    """Before."""
    unsent: int
    """Tasks that are not sent any more: they fail."""
    in_flight: int
    """Tasks that are let finish."""
    credits_back: int
    """What the unsent ones give back at the settlement, at least."""
    is_held: bool
    """Whether it, being on hold, waits to be released before its tasks are failed."""
    left: str | None
    """Why it was left as it was; None: it was cancelled, or would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReport:
    """What was cancelled, or would be."""

    schema: str = "batchctl/batch.cancel/1"
    is_rehearsal: bool
    cancelled: int
    unsent: int
    credits_back: int
    batches: tuple[CancelLine, ...]

    @property
    def doomed(self) -> tuple[UUID, ...]:
        """Return the batches that were cancelled, or would be."""
        return tuple(line.id for line in self.batches if line.left is None)


def line(batch: CancellableBatch, left: str | None = None) -> CancelLine:
    """Tell of a batch, with a reason to leave it that it does not know itself."""
    left = left or batch.left
    return CancelLine(
        id=batch.id,
        user_id=batch.user_id,
        status=batch.status,
        unsent=batch.tasks_pending,
        in_flight=batch.tasks_in_flight,
        credits_back=batch.credits_back,
        is_held=batch.hold_reason is not None,
        left=left,
    )


def report(lines: list[CancelLine], *, is_rehearsal: bool) -> CancelReport:
    """Sum up a cancellation."""
    done = [one for one in lines if one.left is None]
    return CancelReport(
        is_rehearsal=is_rehearsal,
        cancelled=len(done),
        unsent=sum(one.unsent for one in done),
        credits_back=sum(one.credits_back for one in done),
        batches=tuple(lines),
    )
