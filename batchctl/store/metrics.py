"""Statements that machines' figures come from; each reads what has not ended, or what ended lately, by an index."""

from datetime import datetime

from batchctl.domain.metrics import EndedBatches, EndedTasks, OpenBatches, OpenDeliveries
from batchctl.statement import Conn, Statement

_OPEN_BATCHES = Statement("metrics/open_batches", OpenBatches)
_OPEN_DELIVERIES = Statement("metrics/open_deliveries", OpenDeliveries)
_ENDED_TASKS = Statement("metrics/ended_tasks", EndedTasks)
_ENDED_BATCHES = Statement("metrics/ended_batches", EndedBatches)


def open_batches(tx: Conn) -> list[OpenBatches]:
    """Count batches that have not ended, by what they wait for."""
    return _OPEN_BATCHES.all(tx)


def open_deliveries(tx: Conn) -> list[OpenDeliveries]:
    """Count events that are neither delivered nor given up."""
    return _OPEN_DELIVERIES.all(tx)


def ended_tasks(tx: Conn, *, since: datetime) -> list[EndedTasks]:
    """Count tasks that ended since then."""
    return _ENDED_TASKS.all(tx, since=since)


def ended_batches(tx: Conn, *, since: datetime) -> list[EndedBatches]:
    """Count batches that ended since then."""
    return _ENDED_BATCHES.all(tx, since=since)
