"""When something becomes due next."""

from dataclasses import dataclass
from datetime import datetime

from batchctl.statement import Conn, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _DueAt:
    due_at: datetime | None


_NEXT = Statement("due/next", _DueAt)


def find_next(tx: Conn, *, now: datetime) -> datetime | None:
    """Return when the next poll, submission or webhook try is due; None when nothing is under way."""
    return _NEXT.one(tx, now=now).due_at
