"""`batchctl pause` and `batchctl resume`: the brake."""

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from batchctl.cli import ask, output
from batchctl.cli.desk import at_desk
from batchctl.cli.options import DryRun, Json, Output, Reason

if TYPE_CHECKING:
    from batchctl.domain.pause import BrakeReport, Stage


class Brake(StrEnum):
    """What can be stopped."""

    DISPATCH = "dispatch"
    POLL = "poll"
    SETTLE = "settle"
    WEBHOOK = "webhook"
    ALL = "all"


Stages = Annotated[
    list[Brake], typer.Argument(metavar="STAGE", help="dispatch, poll, settle, webhook, or all of them.")
]


def pause(
    stages: Stages,
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; passes and doctor show it.")],
    dry_run: DryRun = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Stop stages of the work, for every worker on every machine, from its next pass on.

    What is under way is finished and recorded; nothing new is taken until `batchctl resume`. A pause is no error:
    passes exit 0. Of a stage that is paused already the reason is changed.
    """
    from batchctl.render.pauses import MEANING
    from batchctl.service import pauses
    from batchctl.service.actions import acting

    shape = output.chosen(form, json=json)
    chosen = _named(stages)
    with at_desk() as world:
        command = ask.called(reason)
        if dry_run:
            report = pauses.pause(world, chosen, command, dry_run=True)
        else:
            with acting(world, command) as tally:
                report = pauses.pause(world, chosen, command)
                tally.matched_count, tally.changed_count = len(chosen), len(report.changed)
    _give(report, shape)
    for stage in chosen:
        already = "" if stage in report.changed else "was paused already: the reason is changed; "
        output.write_error(f"{stage}: {'would be paused; ' if dry_run else already}{MEANING[stage]}")
    if not dry_run:
        output.write_error(f"to let it go on: batchctl resume {' '.join(dict.fromkeys(stages))}")


def resume(
    stages: Stages,
    *,
    reason: Reason = None,
    dry_run: DryRun = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Let stages go on that were paused, in every worker's next pass."""
    from batchctl.service import pauses
    from batchctl.service.actions import acting

    shape = output.chosen(form, json=json)
    chosen = _named(stages)
    with at_desk() as world:
        if dry_run:
            report = pauses.resume(world, chosen, dry_run=True)
        else:
            with acting(world, ask.called(reason)) as tally:
                report = pauses.resume(world, chosen)
                tally.matched_count, tally.changed_count = len(chosen), len(report.changed)
    _give(report, shape)
    for stage in chosen:
        if stage not in report.changed:
            output.write_error(f"{stage} was not paused")
        elif dry_run:
            output.write_error(f"{stage} would go on")


def _named(stages: Iterable[Brake]) -> "list[Stage]":
    from batchctl.domain.pause import Stage

    return [stage for stage in Stage if Brake.ALL in stages or Brake(stage) in stages]


def _give(report: "BrakeReport", shape: output.Form) -> None:
    from batchctl.render.pauses import table

    output.give(report, lambda: [table(report)], shape)
