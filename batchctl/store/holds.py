"""Statements on rows that are on hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.hold import HoldLine, HoldsWanted
from batchctl.statement import Conn, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id:
    id: UUID


_LIST = Statement("holds/list", HoldLine)
_PICK = Statement("holds/pick", _Id)
_RELEASE_BATCHES = Statement("holds/release_batches", _Id)
_RELEASE_TASKS = Statement("holds/release_tasks", _Id)


def list_oldest(tx: Conn, wanted: HoldsWanted, *, hold_limit: int | None) -> list[HoldLine]:
    """List what is on hold, the longest first; None: all of it."""
    return _LIST.all(
        tx,
        ids=None if wanted.ids is None else list(wanted.ids),
        user_id=wanted.user_id,
        since=wanted.since,
        until=wanted.until,
        reason=wanted.reason,
        hold_limit=hold_limit,
    )


def pick(tx: Conn, first: UUID, last: UUID, *, hold_limit: int) -> list[UUID]:
    """Find what is on hold, and batches with tasks on hold, whose ids lie between two, both included."""
    return [row.id for row in _PICK.all(tx, first=first, last=last, hold_limit=hold_limit)]


def release_batches(tx: Conn, ids: Sequence[UUID], *, now: datetime) -> set[UUID]:
    """Let batches go on; return those that were on hold."""
    return {row.id for row in _RELEASE_BATCHES.all(tx, ids=list(ids), now=now)}


def release_tasks(tx: Conn, ids: Sequence[UUID], *, now: datetime) -> set[UUID]:
    """Let tasks go on; return those that were on hold."""
    return {row.id for row in _RELEASE_TASKS.all(tx, ids=list(ids), now=now)}
