"""Statements on late_looks and late_results."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.polling import LookRecord, WatchedTask
from batchctl.statement import Conn, NoRow, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id:
    id: UUID


_WATCH = Statement("late/watch", NoRow)
_CLAIM = Statement("late/claim", WatchedTask)
_RECORD = Statement("late/record", _Id)


def watch(tx: Conn, task_ids: Sequence[UUID], *, next_look_at: datetime, until: datetime) -> int:
    """Note tasks that a limit failed; return how many were not noted yet."""
    return _WATCH.run(tx, task_ids=list(task_ids), next_look_at=next_look_at, until=until)


def claim(tx: Conn, *, look_limit: int, lease_until: datetime, now: datetime) -> list[WatchedTask]:
    """Claim failed tasks that are due for a look, the longest due first; forget those whose time is over."""
    return _CLAIM.all(tx, look_limit=look_limit, lease_until=lease_until, now=now)


def record(tx: Conn, records: Sequence[LookRecord], *, now: datetime) -> set[UUID]:
    """Write what looks saw; return the tasks whose result was kept by this."""
    rows = _RECORD.all(
        tx,
        ids=[r.id for r in records],
        remote_ids=[r.remote_id for r in records],
        video_urls=[r.video_url for r in records],
        next_look_ats=[r.next_look_at for r in records],
        now=now,
    )
    return {row.id for row in rows}
