"""Statements that count and measure, each over a bounded window or over what is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.latency import EDGES_S, LatencyLine
from batchctl.domain.overview import Day, Hour, LastRun, Queues
from batchctl.domain.stats import Cut, FinishedCount
from batchctl.domain.window import Window
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
_QUEUES = Statement("stats/queues", Queues)
_HOURS = Statement("stats/hours", Hour)
_DAYS = Statement("stats/days", Day)
_LAST_RUN = Statement("stats/last_run", LastRun)
_LATENCY = Statement("stats/latency", LatencyLine)


def count_finished(tx: Conn, window: Window, *, cut: Cut, key_limit: int) -> list[FinishedCount]:
    """Count the tasks that ended in a window, and before it, by all that operators ask about at once."""
    return _COUNT_FINISHED.all(
        tx,
        before=window.compared_since or window.since,
        since=window.since,
        until=window.until,
        bucket_s=int(window.bucket.total_seconds()),
        batch_ids=None if cut.batch_ids is None else list(cut.batch_ids),
        user_id=cut.user_id,
        model=cut.model,
        key_limit=key_limit,
    )


def count_late(tx: Conn, window: Window, *, cut: Cut) -> int:
    """Count the results that came in a window after their tasks had been failed."""
    return _COUNT_LATE.one(
        tx,
        since=window.since,
        until=window.until,
        batch_ids=None if cut.batch_ids is None else list(cut.batch_ids),
        user_id=cut.user_id,
        model=cut.model,
    ).late_count


def find_beginning(tx: Conn, batch_ids: Sequence[UUID]) -> datetime:
    """Find when the first of some batches, which are there, began; no task of them ended earlier."""
    return _FIND_BEGINNING.one(tx, batch_ids=list(batch_ids)).began_at


def queues(tx: Conn, *, orphaned_before: datetime, now: datetime) -> Queues:
    """Say what is open; a task claimed before `orphaned_before` and without a provider's id is an orphan."""
    return _QUEUES.one(tx, orphaned_before=orphaned_before, now=now)


def hours(tx: Conn, *, since: datetime, until: datetime) -> list[Hour]:
    """Count the tasks that ended in each hour since then; hours without any are left out."""
    return _HOURS.all(tx, since=since, until=until)


def days(tx: Conn, *, since: datetime, until: datetime) -> list[Day]:
    """Sum up the credits of each day since then; days without any are left out."""
    return _DAYS.all(tx, since=since, until=until)


def last_run(tx: Conn) -> LastRun | None:
    """Find the last pass that did something."""
    return next(iter(_LAST_RUN.all(tx)), None)


def latency(
    tx: Conn, *, since: datetime, until: datetime, user_id: UUID | None, model: str | None
) -> list[LatencyLine]:
    """Measure the parts of the way of what ended in a window."""
    return _LATENCY.all(tx, since=since, until=until, user_id=user_id, model=model, edges_s=list(EDGES_S))
