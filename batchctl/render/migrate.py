"""Migrations as pages: what was done, and what would be done."""

from collections.abc import Iterator
from datetime import datetime

from batchctl.domain.ddl import Lock
from batchctl.render import adoption
from batchctl.render.grid import Grid, Part, instant
from batchctl.service.migrate import MigrateReport
from batchctl.service.plan import Origin, PlannedTable, PlanReport

MEANWHILE = {
    Lock.ROW_EXCLUSIVE: "open, rows change",
    Lock.SHARE_UPDATE_EXCLUSIVE: "open, indexes built",
    Lock.SHARE: "closed to writers",
    Lock.SHARE_ROW_EXCLUSIVE: "closed to writers",
    Lock.ACCESS_EXCLUSIVE: "closed to others",
}
"""What a lock means for whoever uses the table."""
REWRITTEN = "closed, rewritten"
CAPTION = "The most that a table may be locked; rows as last counted by the server, size with all indexes."
ORIGINS = {
    Origin.EMPTY: "the database is empty: every table is made anew",
    Origin.OWN: "the database is batchctl's own: there is nothing to adopt",
    Origin.ORIGINAL: "the original worker's tables are there: they are adopted, and its worker may go on",
    Origin.ADOPTED: (
        "adopted from the original worker at {adopted_at}: the guards only warn; "
        "when it is stopped for good, run `batchctl migrate --apply-adoption`"
    ),
    Origin.APPLIED: "adopted from the original worker at {adopted_at}, applied at {applied_at}: the guards refuse",
}
NOTHING_PENDING = "up to date: nothing is pending"
NOTHING_LOCKED = "locks no table that exists"
UNITS = ("kB", "MB", "GB", "TB")


def lines(report: MigrateReport, *, asked_to_apply: bool = False) -> list[str]:
    """Tell what was applied and what is pending, a line each, and how an adopted database stands."""
    said = [f"applied {name}" for name in report.applied]
    said += [f"pending {name}" for name in report.pending]
    if not said:
        said.append("up to date")
    if report.adoption is not None:
        said += adoption.lines(report.adoption)
    elif asked_to_apply:
        said.append("nothing to apply: this database was never the original worker's")
    return said


def plan(report: PlanReport) -> Iterator[Part]:
    """Show what would be applied, what others notice of it, and whose database it is."""
    if report.pending:
        yield _files(report)
        rows = tuple(
            (one.name, table.name, _meanwhile(table), table.row_count, _size(table.size_bytes))
            for one in report.pending
            for table in one.tables
        )
        if rows:
            headings = ("MIGRATION", "TABLE", "MEANWHILE", "ROWS", "SIZE")
            yield Grid(
                headings=headings,
                rows=rows,
                numbers=headings[3:],
                caption=CAPTION,
            )
        else:
            yield NOTHING_LOCKED
    else:
        yield NOTHING_PENDING
    yield from _unfinished(report)
    state = report.adoption
    adopted_at, applied_at = (None, None) if state is None else (state.adopted_at, state.applied_at)
    yield ORIGINS[report.origin].format(adopted_at=_instant(adopted_at), applied_at=_instant(applied_at))


def _files(report: PlanReport) -> Grid:
    return Grid(
        headings=("MIGRATION", "RUNS", "WHAT FOR"),
        rows=tuple(
            (one.name, "in a transaction" if one.in_transaction else "without a transaction", one.purpose)
            for one in report.pending
        ),
    )


def _unfinished(report: PlanReport) -> Iterator[str]:
    names = [name for one in report.pending for name in one.unfinished]
    if names:
        yield f"left unfinished by a run that broke off, and to be built anew: {', '.join(names)}"


def _meanwhile(table: PlannedTable) -> str:
    return REWRITTEN if table.is_rewritten else MEANWHILE[table.lock]


def _size(size_bytes: int) -> str:
    """Write a size with two digits at least: 16 kB, 340 MB, 1200 MB, 12 GB."""
    steps = next((n for n in range(len(UNITS) - 1) if size_bytes < 10_240 * 1024 ** (n + 1)), len(UNITS) - 1)
    return f"{size_bytes / 1024 ** (steps + 1):.0f} {UNITS[steps]}"


def _instant(at: datetime | None) -> str:
    return "" if at is None else instant(at)
