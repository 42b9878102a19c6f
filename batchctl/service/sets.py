"""Writes by sets; when the database rejects a set for one row's sake, row by row, and the offender goes on hold.

Each row is then its own transaction: the same promise as savepoints in one, with locks held for a shorter time.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from batchctl.db import Database
from batchctl.domain.problem import RowsRejectedError
from batchctl.statement import Conn
from batchctl.store.aside import lock

Item = TypeVar("Item")
Result = TypeVar("Result")
Reason = tuple[UUID, str]
"""A row that the database would not let through, and why."""

IN_THE_WAY_AT_ONCE = 20
"""So many rows that cannot even be held give their turns to others; when there are more, it is not the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written(Generic[Item, Result]):
    """What the transactions returned, and the items that the database would not let through, each with its reason."""

    results: list[Result]
    rejected: list[tuple[Item, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What putting offenders on hold came to."""

    reasons: list[Reason]
    refused: list[UUID]
    """Those that the database would not let be held."""


_NONE_HELD = Held(reasons=[], refused=[])


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


def hold_all(db: Database, reasons: Sequence[Reason], hold: Callable[[Conn, Sequence[Reason]], object]) -> Held:
    """Put offenders on hold; of those that the database does not even let be held, say so in their reasons."""
    refusals = {row_id: refusal for (row_id, _), refusal in write_all(db, reasons, hold).rejected}
    return Held(
        reasons=[
            (row_id, f"{reason} (for now: this cannot be written down: {refusals[row_id]})")
            if row_id in refusals
            else (row_id, reason)
            for row_id, reason in reasons
        ],
        refused=list(refusals),
    )


def take_all(
    db: Database,
    limit: int,
    work: Callable[[Conn, int, list[UUID]], Result],
    hold: Callable[[Conn, Sequence[Reason]], object],
) -> Written[UUID, Result]:
    """Run `work(tx, limit, seen)`, which finds its own rows and notes them in `seen`: once, or else one row at a time.

    An offender is put on hold at once, so that it is not found again. One that cannot even be held is locked until the
    others had their turn: searches pass over locked rows. RowsRejectedError when none was found yet.
    """
    seen: list[UUID] = []
    try:
        return Written(results=[db.transact(lambda tx: work(tx, limit, seen))], rejected=[])
    except RowsRejectedError:
        if not seen:
            raise
    results: list[Result] = []
    rejected: list[Reason] = []
    turns = len(seen)
    in_the_way = 0
    with ExitStack() as until_all_had_their_turn:
        aside: Conn | None = None
        while turns > 0:
            one = _take_one(db, work)
            turns -= 1
            results += one.results
            held = hold_all(db, one.rejected, hold) if one.rejected else _NONE_HELD
            rejected += held.reasons
            if held.refused and in_the_way < IN_THE_WAY_AT_ONCE:
                aside = aside or until_all_had_their_turn.enter_context(db.aside())
                lock(aside, held.refused)
                in_the_way += 1
                turns += 1
    return Written(results=results, rejected=rejected)


def _take_one(db: Database, work: Callable[[Conn, int, list[UUID]], Result]) -> Written[UUID, Result]:
    seen: list[UUID] = []
    try:
        return Written(results=[db.transact(lambda tx: work(tx, 1, seen))], rejected=[])
    except RowsRejectedError as error:
        if not seen:
            raise
        return Written(results=[], rejected=[(row_id, str(error)) for row_id in seen])
