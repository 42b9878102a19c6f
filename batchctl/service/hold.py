"""Rows on hold, for operators: the list of them, and letting them go on."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from batchctl.domain.hold import HoldKind, HoldLine, HoldList, HoldsWanted, ReleaseLine, ReleaseReport
from batchctl.domain.new_task import is_storable
from batchctl.domain.problem import UsageProblem
from batchctl.service.asked import asked_for
from batchctl.service.pick import pick_one
from batchctl.service.sets import write_all
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import holds


def pick(world: World, written: Iterable[str]) -> tuple[UUID, ...]:
    """Return the ids that are meant, each once, of rows on hold, or of batches with tasks on hold.

    Raises UsageProblem for one that is no id, that nothing on hold has, or that fits several.
    """

    def find(first: UUID, last: UUID, limit: int) -> list[UUID]:
        return world.db.ask(lambda tx: holds.pick(tx, first, last, hold_limit=limit))

    named = (pick_one(text, find, "batch or task on hold", "rows on hold", "batchctl hold list") for text in written)
    return tuple(dict.fromkeys(named))


def list_oldest(world: World, wanted: HoldsWanted, *, limit: int | None = None) -> HoldList:
    """List what is on hold and wanted, the longest first, `limit` at most.

    Raises UsageProblem for a reason that no hold can have.
    """
    if wanted.reason is not None and not (wanted.reason and is_storable(wanted.reason)):
        raise UsageProblem("--matching must be text that a reason can contain")
    asked = None if limit is None else limit + 1
    found = world.db.survey(lambda tx: holds.list_oldest(tx, wanted, hold_limit=asked))
    return HoldList(holds=tuple(found[:limit]), more=limit is not None and len(found) > limit)


def rehearse(chosen: Sequence[HoldLine]) -> ReleaseReport:
    """Say what would be released."""
    return ReleaseReport(dry_run=True, holds=tuple(_line(one, released=False) for one in chosen))


def release(world: World, chosen: Sequence[HoldLine]) -> ReleaseReport:
    """Let rows go on, so that the next pass takes them up where they were; what it cannot digest it holds again.

    All in one transaction; when the database refuses one row, each in its own.
    """
    now = world.clock()
    with asked_for("the release", look="`batchctl hold list` shows what is still on hold"):
        written = write_all(world.db, chosen, lambda tx, some: _release(tx, some, now))
    released = {row_id for ids in written.results for row_id in ids}
    errors = {one.id: error for one, error in written.rejected}
    return ReleaseReport(
        dry_run=False,
        holds=tuple(_line(one, released=one.id in released, error=errors.get(one.id)) for one in chosen),
    )


def _release(tx: Conn, chosen: Sequence[HoldLine], now: datetime) -> set[UUID]:
    """Tasks first, as workers lock them."""
    tasks, batches = ([one.id for one in chosen if one.kind is kind] for kind in (HoldKind.TASK, HoldKind.BATCH))
    return holds.release_tasks(tx, tasks, now=now) | holds.release_batches(tx, batches, now=now)


def _line(one: HoldLine, *, released: bool, error: str | None = None) -> ReleaseLine:
    return ReleaseLine(
        kind=one.kind,
        id=one.id,
        batch_id=one.batch_id,
        user_id=one.user_id,
        status=one.status,
        hold_reason=one.hold_reason,
        credits=one.credits,
        released=released,
        error=error,
    )
