"""`batchctl worker`."""

import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from batchctl.cli import output, systemd
from batchctl.cli.options import HealthFile, LogForm, MetricsFile
from batchctl.cli.pass_log import Herald, Log, LogFormat
from batchctl.cli.signals import InterruptedBySignal, graceful_stop
from batchctl.domain.problem import Problem, UnreachableProblem

if TYPE_CHECKING:
    from datetime import datetime

    from batchctl.service.run_for import Passed
    from batchctl.service.worker import Stop
    from batchctl.service.world import World

METRICS_EVERY_S = 15.0
"""Passes may follow each other by the second; figures are collected more rarely."""


def worker(
    context: typer.Context,
    *,
    health_file: HealthFile = None,
    metrics_file: MetricsFile = None,
    log_format: LogForm = LogFormat.CONSOLE,
) -> None:
    """Run passes without end, as soon as a batch arrives or something is due, until SIGTERM or Ctrl-C.

    Any number may run, beside `run-once` too. What goes wrong in a pass is told and does not end the worker; it ends
    with 78 when a setting is wrong or missing as it starts. A database that goes away is waited for.
    """
    from batchctl.wiring import local_clock

    log = Log(log_format, local_clock)
    try:
        _work(log, health_file, metrics_file, debug=context.obj.debug)
    except Problem as problem:
        log.fail(problem)
        raise typer.Exit(problem.exit_code) from problem
    except InterruptedBySignal as interruption:
        log.say(f"stopped: {interruption.said}")
        raise typer.Exit(interruption.exit_code) from interruption


def _work(log: Log, health_file: Path | None, metrics_file: Path | None, *, debug: bool) -> None:
    from batchctl.service.worker import LONGEST_SLEEP_S, work
    from batchctl.settings import read_settings
    from batchctl.wiring import local_clock, open_world

    watched_s = systemd.watchdog_s()

    def show_break(error: Exception) -> None:
        if debug:
            output.write_error("".join(traceback.format_exception(error)))

    settings = read_settings()
    with graceful_stop() as stop, open_world(settings) as world:
        world.need_provider()
        _await_database(world, stop, log)
        systemd.tell("READY=1")
        keeper = _Keeper(world, log, health_file, metrics_file, local_clock)

        def on_pass(passed: "Passed") -> None:
            systemd.tell("WATCHDOG=1")
            keeper.keep(passed)

        longest_s = min(LONGEST_SLEEP_S, watched_s / 2 if watched_s else LONGEST_SLEEP_S)
        work(world, stop, show_break, on_pass, longest_sleep_s=longest_s)
        systemd.tell("STOPPING=1")


def _await_database(world: "World", stop: "Stop", log: Log) -> None:
    """Return when the schema is known to be ours, or when the process is to stop; ConfigProblem when it is not ours."""
    from batchctl.service.migrate import need_migrated
    from batchctl.service.worker import is_told, rest, retry_s

    vain = 0
    while not stop.is_asked():
        try:
            need_migrated(world.db)
            told = is_told(world)
        except UnreachableProblem as problem:
            vain += 1
            if vain == 1:
                log.fail(problem)
                log.say("waiting for it; tried again at least every 30 s")
            rest(stop, retry_s(vain))
        else:
            log.say("the worker is ready" if told else "the worker is ready; behind a pooler it looks every 5 s")
            return


class _Keeper:
    """Tells each pass, and keeps the files up to date."""

    def __init__(
        self,
        world: "World",
        log: Log,
        health_file: Path | None,
        metrics_file: Path | None,
        clock: "Callable[[], datetime]",
    ) -> None:
        self._world = world
        self._log = log
        self._herald = Herald(log)
        self._health_file = health_file
        self._metrics_file = metrics_file
        self._clock = clock
        self._measured_s = -METRICS_EVERY_S
        self._unwritable: dict[Path, str] = {}

    def keep(self, passed: "Passed") -> None:
        """Tell a pass and write the files; one that cannot be written is told once."""
        from dataclasses import replace

        from batchctl.cli.pass_files import write_health, write_metrics
        from batchctl.domain.report import exit_code, judged

        report = judged(passed.report)
        code, now = exit_code(report.findings), self._clock()
        self._herald.tell(replace(passed, report=report))
        if self._health_file:
            write = partial(write_health, report=report, pass_id=passed.pass_id, code=code, now=now)
            self._try(self._health_file, write)
        if self._metrics_file and time.monotonic() - self._measured_s >= METRICS_EVERY_S:
            self._try(self._metrics_file, partial(write_metrics, world=self._world, report=report, code=code, now=now))
            self._measured_s = time.monotonic()

    def _try(self, path: Path, write: "Callable[[Path], None]") -> None:
        try:
            write(path)
        except Problem as problem:
            if self._unwritable.get(path) != str(problem):
                self._log.fail(problem)
            self._unwritable[path] = str(problem)
        else:
            self._unwritable.pop(path, None)
