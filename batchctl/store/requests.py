"""Statements on batch_requests, the request ids under which customers enqueued batches."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.statement import Conn, NoRow, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueuedBatch:
    """The batch that a request id stands for."""

    id: UUID
    total_count: int | None
    cost_per_video: int | None
    webhook_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueuedTask:
    """What a task was enqueued with."""

    batch_index: int
    prompt: str | None
    model: str | None
    reference_url: str | None
    aspect_ratio: str | None
    duration: int | None
    """In seconds."""
    size: str | None
    meta: dict[str, object] | None


_FIND = Statement("requests/find", EnqueuedBatch)
_FIND_TASKS = Statement("requests/find_tasks", EnqueuedTask)
_INSERT = Statement("requests/insert", NoRow)


def find(tx: Conn, user_id: UUID, request_id: str) -> EnqueuedBatch | None:
    """Find the batch that a customer enqueued under a request id."""
    return next(iter(_FIND.all(tx, user_id=user_id, request_id=request_id)), None)


def find_tasks(tx: Conn, batch_id: UUID, *, first_index: int, task_limit: int) -> list[EnqueuedTask]:
    """Read some tasks of a batch in their order; places without a task are left out."""
    return _FIND_TASKS.all(tx, batch_id=batch_id, first_index=first_index, end_index=first_index + task_limit)


def insert(tx: Conn, *, user_id: UUID, request_id: str, batch_id: UUID, now: datetime) -> bool:
    """Note the request id of a batch; False where the customer has used it before, perhaps in this very moment."""
    return _INSERT.run(tx, user_id=user_id, request_id=request_id, batch_id=batch_id, now=now) == 1
