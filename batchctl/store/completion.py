"""Statements that shells ask while somebody types."""

from dataclasses import dataclass
from uuid import UUID

from batchctl.domain.batch import BatchStatus
from batchctl.statement import Conn, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBatch:
    """A batch that has not ended, or is on hold."""

    id: UUID
    status: BatchStatus
    succeeded_count: int
    task_count: int


_BATCHES = Statement("completion/batches", OpenBatch)


def batches(tx: Conn, first: UUID, last: UUID, *, batch_limit: int) -> list[OpenBatch]:
    """List the newest open batches whose ids lie between two, both included."""
    return _BATCHES.all(tx, first=first, last=last, batch_limit=batch_limit)
