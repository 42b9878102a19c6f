"""How a command runs one stage: settings, world, schema check, the stage, its report, its exit code."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from batchctl.cli import output
from batchctl.cli.signals import graceful_stop

if TYPE_CHECKING:
    from batchctl.render.words import Stage
    from batchctl.service.world import Budget, World


def run_stage(name: str, stage: "Callable[[World, Budget], Stage]", *, deadline_s: float | None, as_json: bool) -> None:
    """Run a stage once and show its report."""
    from batchctl.domain.report import DispatchReport, PollReport, unreachable
    from batchctl.service.migrate import need_migrated
    from batchctl.service.world import start_pass
    from batchctl.settings import read_settings
    from batchctl.wiring import open_world

    with graceful_stop() as stop, open_world(read_settings()) as world:
        need_migrated(world.db)
        report = stage(world, start_pass(world, deadline_s, stop.is_asked))
        if as_json:
            output.write_document(report)
        elif output.is_terminal():
            from batchctl.render import stages

            output.show(stages.stage(name, report))
        else:
            from batchctl.render import words

            output.write(f"{name}: {words.stage(report)}")
    lost = unreachable([report]) if isinstance(report, (DispatchReport, PollReport)) else ()
    output.close_with((*report.findings, *lost))
