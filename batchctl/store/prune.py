"""Statements that delete finished history; none of them touches batches, tasks, wallets or the ledger."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.prune import Prunable
from batchctl.statement import Conn, NoRow, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _May:
    may: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneDelivery:
    """An event that was deleted, and how many tries went with it."""

    id: UUID
    attempts: int


_MAY = Statement("prune/may", _May)
_COUNT = Statement("prune/count", Prunable)
_RECORD = Statement("prune/record", NoRow)
_RUNS = Statement("prune/runs", NoRow)
_DELIVERIES = Statement("prune/deliveries", GoneDelivery)
_LATE_RESULTS = Statement("prune/late_results", NoRow)


def may(tx: Conn) -> bool:
    """Say whether the role may prune."""
    return _MAY.one(tx).may


def count(tx: Conn, *, before: datetime) -> Prunable:
    """Count what is to be pruned."""
    return _COUNT.one(tx, before=before)


def record(tx: Conn, *, before: datetime, now: datetime) -> None:
    """Remember how far history is pruned."""
    _RECORD.run(tx, before=before, now=now)


def runs(tx: Conn, *, before: datetime, row_limit: int) -> int:
    """Delete passes; return how many."""
    return _RUNS.run(tx, before=before, row_limit=row_limit)


def deliveries(tx: Conn, *, before: datetime, after_id: UUID, row_limit: int) -> list[GoneDelivery]:
    """Delete events whose ids follow `after_id`, with their tries."""
    return _DELIVERIES.all(tx, before=before, after_id=after_id, row_limit=row_limit)


def late_results(tx: Conn, *, before: datetime, row_limit: int) -> int:
    """Delete late results; return how many."""
    return _LATE_RESULTS.run(tx, before=before, row_limit=row_limit)
