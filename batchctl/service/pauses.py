"""The brake: stops stages for every worker on every machine, and lets them go on."""

from collections.abc import Iterable

from batchctl.domain.action import Command
from batchctl.domain.new_task import is_storable
from batchctl.domain.pause import BrakeReport, Pause, Stage, lines
from batchctl.domain.problem import UsageProblem
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import pauses

LONGEST_REASON = 500


def find(world: World) -> tuple[Pause, ...]:
    """Return the pauses that last, at most one for each stage, by the stages' names."""
    return tuple(world.db.ask(pauses.list_all))


def of(world: World, stage: Stage) -> tuple[Pause, ...]:
    """Return the pause of one stage, as its report names it; empty while the stage works."""
    pause = world.db.ask(lambda tx: pauses.find(tx, stage))
    return () if pause is None else (pause,)


def pause(world: World, stages: Iterable[Stage], by: Command, *, dry_run: bool = False) -> BrakeReport:
    """Stop stages from their next pass on; one that is stopped already stays so since then, for the new reason.

    Raises UsageProblem without a reason that can be kept.
    """
    chosen, reason, now = set(stages), by.reason or "", world.clock()
    if not reason.strip() or len(reason) > LONGEST_REASON or not is_storable(reason):
        raise UsageProblem(f"--reason must be text of 1 to {LONGEST_REASON} characters")

    def stop(tx: Conn) -> tuple[list[Pause], list[Pause]]:
        before = pauses.list_all(tx)
        if not dry_run:
            pauses.begin(tx, chosen, os_user=by.os_user, host=by.host, reason=reason, now=now)
        return before, pauses.list_all(tx)

    before, after = (world.db.survey if dry_run else world.db.transact)(stop)
    changed = chosen - {one.stage for one in before}
    return BrakeReport(schema="batchctl/pause/1", dry_run=dry_run, stages=lines(after, changed))


def resume(world: World, stages: Iterable[Stage], *, dry_run: bool = False) -> BrakeReport:
    """Let stages go on in their next pass."""
    chosen, now = set(stages), world.clock()

    def go_on(tx: Conn) -> tuple[list[Pause], list[Pause]]:
        before = pauses.list_all(tx)
        if not dry_run:
            pauses.end(tx, chosen, now=now)
        return before, pauses.list_all(tx)

    before, after = (world.db.survey if dry_run else world.db.transact)(go_on)
    changed = chosen & {one.stage for one in before}
    return BrakeReport(schema="batchctl/resume/1", dry_run=dry_run, stages=lines(after, changed))
