"""What operators are shown of batches: one that was enqueued, a list, and all about one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.batch import BatchLine, BatchStatus, SettlementStatus
from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.failure import FailureType
from batchctl.domain.task import TaskStatus
from batchctl.domain.wallet_page import LedgerLine


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateReport:
    """What was enqueued, or would be."""

    schema: str = "batchctl/batch.create/1"
    batch_id: UUID | None
    """None: nothing was written, it was a rehearsal."""
    already_enqueued: bool = False
    """Whether the same request id had enqueued it before, so that nothing was written now."""
    user_id: UUID
    total_count: int
    cost_per_video: int
    required_credits: int
    available_credits: int | None
    """What the wallet has for this batch now; None: there is no wallet."""
    missing_credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which batches are meant, to be listed or acted on; what is None or empty narrows nothing."""

    ids: tuple[UUID, ...] | None = None
    """Those that are named; then nothing else narrows."""
    statuses: tuple[BatchStatus, ...] = ()
    user_id: UUID | None = None
    since: datetime | None = None
    """Of `created_at`, itself included."""
    until: datetime | None = None
    """Itself left out."""
    model: str | None = None
    """With a task for this model."""
    failure_type: FailureType | None = None
    """With a task that failed so."""
    only_held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchList:
    """The newest batches that are wanted."""

    schema: str = "batchctl/batch.list/1"
    batches: tuple[BatchLine, ...]
    more: bool
    """Whether there are older ones that were wanted too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDetail:
    """All that a batch's own row says; other programs write it too, so that much of it may be missing."""

    id: UUID
    user_id: UUID
    status: BatchStatus
    next_step: str | None
    """What it waits for, see the comment on the column."""
    hold_reason: str | None
    last_error: str | None
    total_count: int | None
    cost_per_video: int | None
    frozen_credits: int
    credits_spent: int
    settlement_status: SettlementStatus
    success_count: int
    failed_count: int
    receiver: str | None
    """Who is told of its end: no more of the address than scheme and host, the rest may hold a token."""
    webhook_status: DeliveryStatus | None
    webhook_attempts: int
    webhook_last_error: str | None
    request_id: str | None
    created_at: datetime | None
    enqueued_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None = None
    retry_of: UUID | None = None
    """The batch whose failed tasks it repeats."""
    retried_by: UUID | None = None
    """The newest batch that repeats failed tasks of this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCounts:
    """A batch's tasks by what they wait for."""

    total: int
    pending: int
    in_doubt: int
    """Being sent, or sent with nobody knowing whether they arrived."""
    at_provider: int
    succeeded: int
    failed: int
    on_hold: int
    hold_reason: str | None
    """Of one of those on hold."""
    start_due_at: datetime | None
    """When the first pending task may be sent."""
    in_doubt_since: datetime | None
    """When the oldest task in doubt was claimed for sending."""
    poll_due_at: datetime | None
    """When the first task at the provider is to be asked for."""
    first_sent_at: datetime | None = None
    """When the first task was claimed for sending."""
    last_finished_at: datetime | None = None
    """When the last of those that are finished was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCount:
    """How many tasks failed in one way."""

    failure_type: str | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLine:
    """A task as it is listed."""

    id: UUID
    batch_index: int | None
    status: TaskStatus | None
    model: str | None
    prompt: str | None
    """Its beginning."""
    provider_id: str | None
    attempts: int
    poll_count: int
    failure_type: str | None
    error: str | None
    hold_reason: str | None
    video_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """An event for the customer."""

    id: UUID
    """The webhook-id."""
    event_type: str
    status: DeliveryStatus
    receiver: str
    """Scheme and host."""
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    last_status_code: int | None
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLine:
    """A try to deliver an event."""

    delivery_id: UUID
    attempt: int
    started_at: datetime
    duration_ms: int | None
    """None: under way, or its worker died with it."""
    status_code: int | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchShow:
    """All about one batch, as it was at one moment."""

    schema: str = "batchctl/batch.show/1"
    as_of: datetime
    batch: BatchDetail
    fill_until: datetime | None
    """How long a queued batch may still miss tasks before it is refused."""
    tasks: TaskCounts
    failures: tuple[FailureCount, ...]
    failed_tasks: tuple[TaskLine, ...]
    """The first few."""
    frozen_permanent: int
    frozen_bonus: int
    credits_refunded: int
    ledger: tuple[LedgerLine, ...]
    deliveries: tuple[DeliveryLine, ...]
    tries: tuple[TryLine, ...]
    """Of all deliveries, the newest first."""
    task_list: tuple[TaskLine, ...] | None
    """The first tasks in order; None when they were not asked for."""

    @property
    def has_ended(self) -> bool:
        """Say whether nothing of it changes any more, but for what its customer is told."""
        is_open = self.batch.status in (BatchStatus.QUEUED, BatchStatus.PROCESSING)
        return not is_open and self.batch.next_step is None
