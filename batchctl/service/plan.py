"""What `migrate` would do to a database now, found out without changing anything in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from batchctl.db import Database
from batchctl.domain import ddl
from batchctl.domain.adoption import Adoption
from batchctl.domain.ddl import Lock
from batchctl.service.migrate import Migration, fix_schema, migrations, pending_in
from batchctl.statement import Conn
from batchctl.store import adoption, history


class Origin(StrEnum):
    """Whose database it is."""

    EMPTY = "empty"
    """None of the tables is there."""
    OWN = "own"
    """batchctl made it."""
    ORIGINAL = "original"
    """The original worker's: its tables are there, and none of ours."""
    ADOPTED = "adopted"
    """It was the original worker's, which may still be at work."""
    APPLIED = "applied"
    """It was the original worker's, which is gone for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTable:
    """A table that is there, and that a migration locks or builds an index on."""

    name: str
    lock: Lock
    is_rewritten: bool
    row_count: int | None
    """As the server last counted; None: it never did."""
    size_bytes: int
    """With all indexes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMigration:
    """One file that would be applied."""

    name: str
    purpose: str
    in_transaction: bool
    tables: tuple[PlannedTable, ...]
    unfinished: tuple[str, ...]
    """Indexes that an interrupted run has left behind, which are thrown away and built anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReport:
    """All that would be done, in order, and the database it would be done to."""

    schema: str = "batchctl/migrate.plan/1"
    origin: Origin
    adoption: Adoption | None
    pending: tuple[PlannedMigration, ...]


def plan(db: Database, known: Sequence[Migration] | None = None) -> PlanReport:
    """Say what `migrate` would do; needs no right but to read batchctl_migrations and adoption, where they are.

    Raises ConfigProblem when an applied file was edited since, or the role lacks even that right.
    """
    known = migrations() if known is None else known
    return db.transact(lambda tx: _plan(tx, known))


def _plan(tx: Conn, known: Sequence[Migration]) -> PlanReport:
    history.only_read(tx)
    fix_schema(tx)
    pending = pending_in(tx, known)
    is_begun = known[0] not in pending
    state = adoption.state(tx) if is_begun else None
    return PlanReport(
        origin=_origin_of(state) if is_begun else _origin_before(tx),
        adoption=state,
        pending=tuple(_planned(tx, migration) for migration in pending),
    )


def _origin_of(state: Adoption | None) -> Origin:
    if state is None:
        return Origin.OWN
    return Origin.ADOPTED if state.applied_at is None else Origin.APPLIED


def _origin_before(tx: Conn) -> Origin:
    """Tell, before the first migration, what that will find; it looks for the same tables."""
    return Origin.ORIGINAL if history.measure_tables(tx, ["batch_jobs", "video_tasks"]) else Origin.EMPTY


def _planned(tx: Conn, migration: Migration) -> PlannedMigration:
    text = migration.text.decode()
    locks = {one.table: one for one in ddl.table_locks(text)}
    return PlannedMigration(
        name=migration.name,
        purpose=ddl.purpose(text),
        in_transaction=not migration.runs_outside,
        tables=tuple(
            PlannedTable(
                name=size.name,
                lock=locks[size.name].lock,
                is_rewritten=locks[size.name].is_rewritten,
                row_count=size.row_count,
                size_bytes=size.size_bytes,
            )
            for size in history.measure_tables(tx, list(locks))
        ),
        unfinished=tuple(history.find_unfinished(tx, ddl.indexes_built(text))),
    )
