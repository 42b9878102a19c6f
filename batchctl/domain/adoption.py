"""A database of the original worker: its leftovers, and how each gets back onto the ordinary way."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.batch import BatchStatus, end_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """When the original worker's tables were taken over."""

    adopted_at: datetime
    applied_at: datetime | None
    """Since when that worker is gone and the guards refuse; None: they warn, for it may still run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionReport:
    """How an adopted database stands."""

    state: Adoption
    leftovers: dict[str, int]
    """What the original worker left behind, by kind (sql/adoption/count_leftovers.sql); counted until it is gone."""
    exempt: dict[str, int]
    """Rules that old rows break, and how many do; such a rule binds only newer rows."""
    closed: tuple[str, ...] = ()
    """Functions that everybody could call until now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBatch:
    """A batch in a state that only the original worker makes, locked.

    It claims, pays and ends a batch in separate transactions, and so may die between them; batchctl does not.
    """

    id: UUID
    user_id: UUID
    status: BatchStatus
    is_settled: bool
    total_count: int | None
    cost_per_video: int | None
    frozen_credits: int
    credits_spent: int
    task_count: int
    tasks_pending: int
    tasks_in_flight: int
    succeeded_count: int
    failed_count: int
    last_error: str | None
    webhook_url: str | None
    """Where the customer is to be told of its end; None: nowhere, or that was done."""
    may_get_tasks: bool
    """Whether it is so young that tasks may still be missing (BATCH_INCOMPLETE_TIMEOUT_SECONDS)."""
    is_quiet: bool
    """Whether nobody has touched it or its tasks for so long that the original worker is not at it."""

    @property
    def required_credits(self) -> int | None:
        """What is to be frozen for it; None when its numbers do not say."""
        if self.total_count is None or self.cost_per_video is None:
            return None
        return self.total_count * self.cost_per_video

    @property
    def open_count(self) -> int:
        """Tasks without a verdict."""
        return self.task_count - self.succeeded_count - self.failed_count

    @property
    def end(self) -> BatchStatus:
        """Name the end that its tasks tell."""
        return end_of(self.succeeded_count, self.total_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What becomes of such a batch: the state that follows, or a hold where nothing can be proved."""

    batch: LeftBatch
    status: BatchStatus
    hold_reason: str | None = None

    @property
    def is_end(self) -> bool:
        """Say whether the batch has ended by it; its money had been settled before."""
        return self.batch.is_settled and self.hold_reason is None


def resolve(batch: LeftBatch) -> Resolution | None:
    """Decide about a batch; None leaves it alone for now."""
    if batch.is_settled:
        return _resolve_settled(batch)
    required = batch.required_credits
    if batch.status is BatchStatus.QUEUED:
        if required is not None and batch.frozen_credits >= required and batch.task_count <= (batch.total_count or 0):
            waits = batch.may_get_tasks and batch.task_count != batch.total_count
            return None if waits else Resolution(batch=batch, status=BatchStatus.PROCESSING)
    elif batch.frozen_credits == 0 and batch.tasks_pending == batch.task_count:
        return Resolution(batch=batch, status=BatchStatus.QUEUED) if batch.is_quiet else None
    if required is not None and batch.frozen_credits >= required and batch.status is BatchStatus.PROCESSING:
        return _doubt(batch, "some of its tasks have no status")
    return _doubt(
        batch, f"{batch.frozen_credits} credits are frozen, {required} required, for {batch.task_count} tasks"
    )


def _resolve_settled(batch: LeftBatch) -> Resolution | None:
    if batch.tasks_in_flight or not batch.is_quiet:
        return None
    if batch.open_count:
        return _doubt(batch, f"it is settled, but {batch.open_count} of its tasks have not ended")
    return Resolution(batch=batch, status=batch.end)


def _doubt(batch: LeftBatch, reason: str) -> Resolution | None:
    return Resolution(batch=batch, status=batch.status, hold_reason=reason) if batch.is_quiet else None
