"""Statements that count tasks and late results."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.stats import FinishedCount, Window
from batchctl.statement import Conn, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Late:
    late_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beginning:
    began_at: datetime


_COUNT_FINISHED = Statement("stats/count_finished", FinishedCount)
_COUNT_LATE = Statement("stats/count_late", _Late)
_FIND_BEGINNING = Statement("stats/find_beginning", _Beginning)


def count_finished(
    tx: Conn, window: Window, *, batch_ids: Sequence[UUID] | None, key_limit: int
) -> list[FinishedCount]:
    """Count the tasks that ended in a window, of these batches or of all, by all that operators ask about at once."""
    return _COUNT_FINISHED.all(
        tx,
        since=window.since,
        until=window.until,
        bucket_s=int(window.bucket.total_seconds()),
        batch_ids=batch_ids,
        key_limit=key_limit,
    )


def count_late(tx: Conn, window: Window, *, batch_ids: Sequence[UUID] | None) -> int:
    """Count the results that came in a window after their tasks had been failed."""
    return _COUNT_LATE.one(tx, since=window.since, until=window.until, batch_ids=batch_ids).late_count


def find_beginning(tx: Conn, batch_ids: Sequence[UUID]) -> datetime:
    """Find when the first of some batches, which are there, began; no task of them ended earlier."""
    return _FIND_BEGINNING.one(tx, batch_ids=batch_ids).began_at
