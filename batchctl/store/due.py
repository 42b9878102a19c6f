"""When something becomes due next."""

from dataclasses import dataclass
from datetime import datetime

from batchctl.statement import Conn, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _DueAt:
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waits:
    waits: bool


_NEXT = Statement("due/next", _DueAt)
_CLAIM = Statement("due/claim", _Waits)


def find_next(tx: Conn, *, now: datetime) -> datetime | None:
    """Return when the next poll, submission or webhook try is due; None when nothing is under way."""
    return _NEXT.one(tx, now=now).due_at


def claim_waits(tx: Conn) -> bool:
    """Say whether a batch waits to be claimed."""
    return _CLAIM.one(tx).waits
