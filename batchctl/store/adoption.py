"""Statements on what the original worker left behind, and on the record of its adoption."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from batchctl.domain.adoption import Adoption, LeftBatch, Resolution
from batchctl.statement import Conn, NoRow, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    kind: str
    count: int


_STATE = Statement("adoption/state", Adoption)
_FIND = Statement("adoption/find", LeftBatch)
_RESOLVE = Statement("adoption/resolve", NoRow)
_COUNT_LEFTOVERS = Statement("adoption/count_leftovers", _Found)
_COUNT_DOUBLES = Statement("adoption/count_doubles", _Found)
_CONSTRAIN = Statement("adoption/constrain", _Found)
_APPLY = Statement("adoption/apply", NoRow)


def state(tx: Conn) -> Adoption | None:
    """Say when the database was taken over from the original worker; None if it is our own."""
    return next(iter(_STATE.all(tx)), None)


def find(tx: Conn, *, quiet_since: datetime, missing_since: datetime, batch_limit: int) -> list[LeftBatch]:
    """Find and lock batches in states of the original worker, the oldest first."""
    return _FIND.all(tx, quiet_since=quiet_since, missing_since=missing_since, batch_limit=batch_limit)


def resolve(tx: Conn, resolutions: Sequence[Resolution], *, now: datetime) -> int:
    """Move batches on or put them on hold; return how many were still in such a state."""
    return _RESOLVE.run(
        tx,
        ids=[one.batch.id for one in resolutions],
        statuses=[one.status for one in resolutions],
        success_counts=[one.batch.succeeded_count if one.is_end else None for one in resolutions],
        failed_counts=[one.batch.failed_count if one.is_end else None for one in resolutions],
        webhook_statuses=["pending" if one.is_end and one.batch.webhook_url else None for one in resolutions],
        hold_reasons=[one.hold_reason for one in resolutions],
        now=now,
    )


def count_leftovers(tx: Conn) -> dict[str, int]:
    """Count what the original worker left, by kind; kinds that are not there are left out."""
    return {found.kind: found.count for found in _COUNT_LEFTOVERS.all(tx)}


def count_doubles(tx: Conn) -> dict[str, int]:
    """Count old rows that break a unique index of a fresh database, by its name; indexes that fit are left out."""
    return {found.kind: found.count for found in _COUNT_DOUBLES.all(tx)}


def constrain(tx: Conn) -> dict[str, int]:
    """Add the constraints of a fresh database; return by name how many old rows break one, which are exempt from it."""
    return {found.kind: found.count for found in _CONSTRAIN.all(tx)}


def apply(tx: Conn, *, now: datetime) -> None:
    """Let the guards refuse from now on."""
    _APPLY.run(tx, now=now)
