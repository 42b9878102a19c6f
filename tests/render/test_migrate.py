"""Migrations in words: what was done, what would be done, and what others notice of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from batchctl.domain.adoption import Adoption, AdoptionReport
from batchctl.domain.ddl import Lock
from batchctl.render.grid import Grid
from batchctl.render.migrate import CAPTION, lines, plan
from batchctl.service.migrate import MigrateReport
from batchctl.service.plan import Origin, PlannedMigration, PlannedTable, PlanReport

AT = datetime(2026, 1, 31, 9, tzinfo=UTC)
TABLE = PlannedTable(
    name="batch_jobs", lock=Lock.ACCESS_EXCLUSIVE, is_rewritten=True, row_count=1_200_000, size_bytes=340 * 1024**2
)
FIRST = PlannedMigration(name="0001_a", purpose="One thing.", in_transaction=True, tables=(TABLE,), unfinished=())
SECOND = PlannedMigration(name="0002_b", purpose="Another.", in_transaction=False, tables=(), unfinished=("i", "j"))
EMPTY = PlanReport(origin=Origin.EMPTY, adoption=None, pending=())


def test_what_was_applied_and_what_is_pending() -> None:
    """A line for each file; nothing to do is said too."""
    assert lines(MigrateReport(applied=("0001_a",), pending=("0002_b",))) == ["applied 0001_a", "pending 0002_b"]
    assert lines(MigrateReport()) == ["up to date"]


def test_adoption_is_told_after_it() -> None:
    """How an adopted database stands comes last; one that was never the original's has nothing to apply."""
    adoption = AdoptionReport(state=Adoption(adopted_at=AT, applied_at=None), leftovers={}, exempt={})

    assert lines(MigrateReport(adoption=adoption))[1] == "adopted from the original worker at 2026-01-31T09:00:00Z"
    assert lines(MigrateReport(), asked_to_apply=True) == [
        "up to date",
        "nothing to apply: this database was never the original worker's",
    ]


def test_plan_shows_files_and_what_they_lock() -> None:
    """A table of files with their reasons, a table of what is locked with its size, and what is left to say."""
    files, locks, unfinished, origin = plan(replace(EMPTY, origin=Origin.ORIGINAL, pending=(FIRST, SECOND)))

    assert files == Grid(
        headings=("MIGRATION", "RUNS", "WHAT FOR"),
        rows=(("0001_a", "in a transaction", "One thing."), ("0002_b", "without a transaction", "Another.")),
    )
    assert locks == Grid(
        headings=("MIGRATION", "TABLE", "MEANWHILE", "ROWS", "SIZE"),
        rows=(("0001_a", "batch_jobs", "closed, rewritten", 1_200_000, "340 MB"),),
        numbers=("ROWS", "SIZE"),
        caption=CAPTION,
    )
    assert unfinished == "left unfinished by a run that broke off, and to be built anew: i, j"
    assert str(origin).startswith("the original worker's tables are there")


def test_nothing_pending_and_nothing_locked_are_said() -> None:
    """No table is shown without rows."""
    assert list(plan(EMPTY)) == [
        "up to date: nothing is pending",
        "the database is empty: every table is made anew",
    ]
    _, locked, *_ = plan(replace(EMPTY, pending=(replace(FIRST, tables=()),)))
    assert locked == "locks no table that exists"


@pytest.mark.parametrize(
    ("origin", "applied_at", "said"),
    [
        (Origin.ADOPTED, None, "adopted from the original worker at 2026-01-31T09:00:00Z: the guards only warn"),
        (Origin.APPLIED, AT, "applied at 2026-01-31T09:00:00Z: the guards refuse"),
    ],
)
def test_adoption_stands_in_the_plan(origin: Origin, applied_at: datetime | None, said: str) -> None:
    """When the database was adopted and whether its guards refuse is the last thing that a plan says."""
    *_, last = plan(replace(EMPTY, origin=origin, adoption=Adoption(adopted_at=AT, applied_at=applied_at)))

    assert said in str(last)


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [(0, "0 kB"), (8192, "8 kB"), (10 * 1024**2, "10 MB"), (10 * 1024**2 - 1, "10240 kB"), (5 * 1024**5, "5120 TB")],
)
def test_size_has_a_unit(size_bytes: int, said: str) -> None:
    """A size is short and has two digits that count."""
    table = replace(TABLE, size_bytes=size_bytes)
    _, locks, *_ = plan(replace(EMPTY, pending=(replace(FIRST, tables=(table,)),)))

    assert isinstance(locks, Grid)
    assert locks.rows[0][-1] == said


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        (Lock.ACCESS_EXCLUSIVE, "closed to others"),
        (Lock.SHARE_ROW_EXCLUSIVE, "closed to writers"),
        (Lock.SHARE, "closed to writers"),
        (Lock.SHARE_UPDATE_EXCLUSIVE, "open, indexes built"),
        (Lock.ROW_EXCLUSIVE, "open, rows change"),
    ],
)
def test_locks_are_told_by_what_they_do_to_others(lock: Lock, said: str) -> None:
    """An operator reads who has to wait, not the name of a lock."""
    table = replace(TABLE, lock=lock, is_rewritten=False, row_count=None)
    _, locks, *_ = plan(replace(EMPTY, pending=(replace(FIRST, tables=(table,)),)))

    assert isinstance(locks, Grid)
    assert locks.rows[0][2:4] == (said, None)
