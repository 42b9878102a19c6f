"""Writes by sets; when the database rejects a set for one row's sake, row by row, and the offender goes on hold.

Each row is then its own transaction: the same promise as savepoints in one, with locks held for a shorter time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from batchctl.db import Database, RowsRejectedError
from batchctl.statement import Conn

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written(Generic[Item, Result]):
    """What the transactions returned, and the items that the database would not let through, each with its reason."""

    results: list[Result]
    rejected: list[tuple[Item, str]]


def write_all(
    db: Database, items: Sequence[Item], write: Callable[[Conn, Sequence[Item]], Result]
) -> Written[Item, Result]:
    """Write items that nobody else knows: all in one transaction, or else each in its own.

    `write` may be run again after it was committed, so it must change nothing then.
    """
    try:
        return Written(results=[db.persist(lambda tx: write(tx, items))], rejected=[])
    except RowsRejectedError as error:
        if len(items) == 1:
            return Written(results=[], rejected=[(items[0], str(error))])
    parts = [write_all(db, [item], write) for item in items]
    return Written(
        results=[result for part in parts for result in part.results],
        rejected=[rejected for part in parts for rejected in part.rejected],
    )


def take_all(
    db: Database,
    limit: int,
    work: Callable[[Conn, int, list[UUID]], Result],
    hold: Callable[[Conn, Sequence[tuple[UUID, str]]], object],
) -> Written[UUID, Result]:
    """Run `work(tx, limit, seen)`, which finds its own rows and notes them in `seen`: once, or else one row at a time.

    An offender is put on hold at once, so that it is not found again. RowsRejectedError when none was found yet.
    """
    seen: list[UUID] = []
    try:
        return Written(results=[db.transact(lambda tx: work(tx, limit, seen))], rejected=[])
    except RowsRejectedError:
        if not seen:
            raise
    parts = [_take_one(db, work, hold) for _ in range(len(seen))]
    return Written(
        results=[result for part in parts for result in part.results],
        rejected=[rejected for part in parts for rejected in part.rejected],
    )


def _take_one(
    db: Database,
    work: Callable[[Conn, int, list[UUID]], Result],
    hold: Callable[[Conn, Sequence[tuple[UUID, str]]], object],
) -> Written[UUID, Result]:
    seen: list[UUID] = []
    try:
        return Written(results=[db.transact(lambda tx: work(tx, 1, seen))], rejected=[])
    except RowsRejectedError as error:
        if not seen:
            raise
        offenders = [(row_id, str(error)) for row_id in seen]
    db.transact(lambda tx: hold(tx, offenders))
    return Written(results=[], rejected=offenders)
