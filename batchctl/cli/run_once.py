"""`batchctl run-once`."""

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from batchctl.cli import output
from batchctl.cli.options import Deadline, For, Json, LogForm, MetricsFile
from batchctl.cli.pass_log import Log, LogFormat
from batchctl.cli.signals import InterruptedBySignal, graceful_stop
from batchctl.domain.problem import Problem, UsageProblem

if TYPE_CHECKING:
    from batchctl.domain.report import PassReport
    from batchctl.service.run_for import Passed
    from batchctl.service.world import World

DEADLINE_S = 50.0
"""A pass without --deadline takes no new work after so long, so that one that cron starts each minute has an end."""


def run_once(
    context: typer.Context,
    *,
    for_: For = None,
    deadline: Deadline = None,
    metrics_file: MetricsFile = None,
    log_format: LogForm = LogFormat.CONSOLE,
    json: Json = False,
) -> None:
    """Run one pass: dispatch, poll, settle, webhook. Safe to run side by side, and to kill at any moment."""
    from batchctl.wiring import local_clock

    if for_ is not None and deadline is not None:
        raise UsageProblem("--for and --deadline exclude each other: --for is the deadline of the whole run")
    log = None if log_format is LogFormat.CONSOLE else Log(log_format, local_clock)
    try:
        report = _run(log, for_, deadline, metrics_file, debug=context.obj.debug, as_json=json)
    except Problem as problem:
        if metrics_file is not None:
            _tell_failure(metrics_file, problem)
        if log is None:
            raise
        log.fail(problem)
        raise typer.Exit(problem.exit_code) from problem
    except InterruptedBySignal as interruption:
        if log is None:
            raise
        log.say(f"interrupted: {interruption.said}", level="error")
        raise typer.Exit(interruption.exit_code) from interruption
    if log is None:
        output.close_with(report.findings)
    elif report.findings:
        from batchctl.domain.report import exit_code

        raise typer.Exit(exit_code(report.findings))


def _run(
    log: Log | None,
    for_: float | None,
    deadline: float | None,
    metrics_file: Path | None,
    *,
    debug: bool,
    as_json: bool,
) -> "PassReport":
    """Run the passes and show their report; findings are told here to the log only."""
    from batchctl.domain.report import judged
    from batchctl.service.migrate import need_migrated
    from batchctl.service.run_for import Passed, run_for
    from batchctl.service.run_once import run_once as run_pass
    from batchctl.service.world import start_pass
    from batchctl.settings import read_settings
    from batchctl.wiring import open_world

    def show_break(error: Exception) -> None:
        if debug:
            output.write_error("".join(traceback.format_exception(error)))

    def tell(passed: "Passed") -> None:
        if log is not None:
            log.tell(passed.report, passed.pass_id)

    with graceful_stop() as stop, open_world(read_settings()) as world:
        need_migrated(world.db)
        pass_id = None
        if for_ is not None:
            report = judged(run_for(world, for_, stop.is_asked, show_break, tell))
        else:
            budget = start_pass(world, DEADLINE_S if deadline is None else deadline, stop.is_asked)
            report, pass_id = judged(run_pass(world, budget, show_break)), budget.pass_id
            tell(Passed(report=report, pass_id=pass_id))
        if metrics_file is not None:
            report = _measured(metrics_file, world, report)
        if log is not None:
            log.complain(report.findings, pass_id)
        _show(report, as_json=as_json, is_logged=log is not None)
    return report


def _tell_failure(path: Path, problem: Problem) -> None:
    """Leave figures of a pass that could not begin; that they cannot be written is the smaller trouble."""
    from contextlib import suppress

    from batchctl.cli.pass_files import write_metrics
    from batchctl.domain.report import PassReport
    from batchctl.wiring import local_clock

    with suppress(Problem):
        write_metrics(path, None, PassReport(), code=problem.exit_code, now=local_clock())


def _measured(path: Path, world: "World", report: "PassReport") -> "PassReport":
    """Write the figures; that they cannot be written is one more finding."""
    from dataclasses import replace

    from batchctl.cli.pass_files import write_metrics
    from batchctl.domain.report import Finding, exit_code
    from batchctl.wiring import local_clock

    try:
        write_metrics(path, world, report, code=exit_code(report.findings), now=local_clock())
    except Problem as problem:
        return replace(report, findings=(*report.findings, Finding(message=problem.in_a_pass)))
    return report


def _show(report: "PassReport", *, as_json: bool, is_logged: bool) -> None:
    if as_json:
        output.write_document(report)
    elif output.is_terminal():
        from batchctl.render import stages

        output.show(stages.stages(report))
    elif not report.is_idle and not is_logged:
        from batchctl.render import words

        told = [f"{name}: {did}" for name, did in words.stages(report) if did != words.NOTHING]
        output.write("\n".join(told))
