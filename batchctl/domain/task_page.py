"""What operators are shown of tasks: a list, and all about one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.batch import BatchStatus
from batchctl.domain.failure import FailureType
from batchctl.domain.task import TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedTasks:
    """Which tasks are meant, to be listed or acted on; what is None or empty narrows nothing."""

    ids: tuple[UUID, ...] | None = None
    """Those that are named; then nothing else narrows."""
    provider_id: str | None = None
    """The one that this job of the provider serves; then nothing else narrows."""
    batch_ids: tuple[UUID, ...] | None = None
    statuses: tuple[TaskStatus, ...] = ()
    user_id: UUID | None = None
    model: str | None = None
    failure_type: FailureType | None = None
    only_held: bool = False
    since: datetime | None = None
    """Of the batch's `created_at`, itself included."""
    until: datetime | None = None
    """Itself left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTask:
    """A task as it is listed among those of other batches."""

    id: UUID
    batch_id: UUID
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
    unknown_since: datetime | None
    video_url: str | None
    created_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskList:
    """Tasks, those of the newest batch first."""

    schema: str = "batchctl/task.list/1"
    tasks: tuple[ListedTask, ...]
    more: bool
    """Whether more match than were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDetail:
    """All that a task's row says, and a little of its batch; other programs write it too."""

    id: UUID
    batch_id: UUID
    user_id: UUID
    batch_index: int | None
    status: TaskStatus | None
    batch_status: BatchStatus
    batch_cancelled_at: datetime | None
    hold_reason: str | None
    model: str | None
    prompt: str | None
    reference_url: str | None
    aspect_ratio: str | None
    duration: int | None
    size: str | None
    meta: str | None
    """As JSON, its beginning."""
    created_at: datetime | None
    attempts: int | None
    submit_errors: int
    submit_defers: int
    resubmits: int
    first_attempt_at: datetime | None
    claimed_at: datetime | None
    next_retry_at: datetime | None
    blocked_by: str | None
    unknown_since: datetime | None
    provider_id: str | None
    provider_host: str | None
    progress: int | None
    poll_count: int | None
    poll_errors: int
    last_poll_at: datetime | None
    next_poll_at: datetime | None
    completed_at: datetime | None
    video_url: str | None
    video_url_seen_at: datetime | None
    failure_type: str | None
    failure_reason: str | None
    """The provider's own word."""
    error_message: str | None
    last_error: str | None
    retry_of: UUID | None
    """The failed task that it repeats."""
    retried_by: UUID | None
    """The newest task that repeats it."""
    late_video_url: str | None
    """What the provider delivered after it had been failed; never charged."""
    late_seen_at: datetime | None
    next_look_at: datetime | None
    """When the provider is asked again whether the result has come after all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskShow:
    """All about one task, as it was at one moment."""

    schema: str = "batchctl/task.show/1"
    as_of: datetime
    task: TaskDetail
