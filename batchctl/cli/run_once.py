"""`batchctl run-once`."""

import traceback

import typer

from batchctl.cli import output
from batchctl.cli.options import Deadline, For, Json
from batchctl.cli.signals import graceful_stop
from batchctl.domain.problem import UsageProblem

DEADLINE_S = 50.0
"""A pass without --deadline takes no new work after so long, so that one that cron starts each minute has an end."""


def run_once(
    context: typer.Context,
    *,
    for_: For = None,
    deadline: Deadline = None,
    json: Json = False,
) -> None:
    """Run one pass: dispatch, poll, settle, webhook. Safe to run side by side, and to kill at any moment."""
    from batchctl.domain.report import judged
    from batchctl.service.migrate import need_migrated
    from batchctl.service.run_for import run_for
    from batchctl.service.run_once import run_once as run_pass
    from batchctl.service.world import start_pass
    from batchctl.settings import read_settings
    from batchctl.wiring import open_world

    if for_ is not None and deadline is not None:
        raise UsageProblem("--for and --deadline exclude each other: --for is the deadline of the whole run")

    def show_break(error: Exception) -> None:
        if context.obj.debug:
            output.write_error("".join(traceback.format_exception(error)))

    with graceful_stop() as stop, open_world(read_settings()) as world:
        need_migrated(world.db)
        if for_ is not None:
            report = judged(run_for(world, for_, stop.is_asked, show_break))
        else:
            budget = start_pass(world, DEADLINE_S if deadline is None else deadline, stop.is_asked)
            report = judged(run_pass(world, budget, show_break))
        if json:
            output.write_document(report)
        elif output.is_terminal():
            from batchctl.render import stages

            output.show(stages.stages(report))
        elif not report.is_idle:
            from batchctl.render import words

            told = [f"{name}: {did}" for name, did in words.stages(report) if did != words.NOTHING]
            output.write("\n".join(told))
    output.close_with(report.findings)
