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


_FIND = Statement("requests/find", EnqueuedBatch)
_INSERT = Statement("requests/insert", NoRow)


def find(tx: Conn, user_id: UUID, request_id: str) -> EnqueuedBatch | None:
    """Find the batch that a customer enqueued under a request id."""
    return next(iter(_FIND.all(tx, user_id=user_id, request_id=request_id)), None)


def insert(tx: Conn, *, user_id: UUID, request_id: str, batch_id: UUID, now: datetime) -> bool:
    """Note the request id of a batch; False where the customer has used it before, perhaps in this very moment."""
    return _INSERT.run(tx, user_id=user_id, request_id=request_id, batch_id=batch_id, now=now) == 1
