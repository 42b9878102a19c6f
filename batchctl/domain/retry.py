"""Trying failed tasks again in a new batch: of which batches that can be, at what price, and what is told of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from batchctl.domain.batch import BatchStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryableBatch:
    """What of a batch's failed tasks is to be tried again."""

    id: UUID
    user_id: UUID
    status: BatchStatus
    is_open: bool
    """Whether it has not ended, or a task of it has not."""
    cost_per_video: int | None
    webhook_url: str | None
    task_count: int
    """Failed tasks that are wanted."""
    bonus_eligible_count: int
    """Those of them that bonus credits may pay for: all but those of model veo-pro."""
    retried_count: int
    """Those of them that another batch repeats already."""
    retried_by: UUID | None
    """Such a batch."""

    def left(self, *, again: bool) -> str | None:
        """Say why nothing of it is tried again; None: it can be. With `again` it may be so twice."""
        if self.is_open:
            return f"is still open ({self.status}): wait for its end, or cancel it"
        if not self.task_count:
            return "has no failed task that is wanted"
        if self.cost_per_video is None or self.cost_per_video < 0:
            return "has no price at which another batch could be enqueued"
        if self.retried_count and not again:
            some = "is" if self.retried_count == self.task_count else f"is in part ({self.retried_count} tasks)"
            return f"{some} tried again already by batch {self.retried_by}: --again tries it once more"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLine:
    """One batch whose failed tasks are tried again."""

    id: UUID
    user_id: UUID
    status: BatchStatus
    tasks: int
    cost_per_video: int | None
    required_credits: int
    available_credits: int | None
    """What the customer's wallet has now for that many tasks; None: there is no wallet."""
    new_batch_id: UUID | None
    """The batch that repeats them; None: it was left, or this is a rehearsal."""
    left: str | None
    """Why nothing of it is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryReport:
    """What is tried again, or would be."""

    schema: str
    """`batchctl/batch.retry/1` or `batchctl/task.retry/1`, which are alike."""
    is_rehearsal: bool
    enqueued: int
    """Batches."""
    tasks: int
    required_credits: int
    batches: tuple[RetryLine, ...]

    @property
    def wanted(self) -> tuple[RetryLine, ...]:
        """Return the batches of which something is tried again."""
        return tuple(line for line in self.batches if line.left is None)


def report(lines: Iterable[RetryLine], command: str, *, is_rehearsal: bool) -> RetryReport:
    """Sum up what a command (batch.retry, task.retry) tries again."""
    batches = tuple(lines)
    done = [line for line in batches if line.left is None]
    return RetryReport(
        schema=f"batchctl/{command}/1",
        is_rehearsal=is_rehearsal,
        enqueued=len(done),
        tasks=sum(line.tasks for line in done),
        required_credits=sum(line.required_credits for line in done),
        batches=batches,
    )
