"""Several passes in one run: one after another while there is work, asleep until something is due, till the end."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from batchctl.domain.problem import Problem
from batchctl.domain.report import Finding, PassReport, add
from batchctl.service.run_once import run_once
from batchctl.service.world import World, start_pass
from batchctl.store import clock, due

PASS_GAP_S = 1.0
"""The same task is asked at most once a second (contract §4), so passes begin at least so far apart."""
LOOK_S = 5.0
"""New batches are looked for at least this often."""
NAP_S = 0.2
"""Sleep is taken in naps, to notice soon that the process was asked to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A pass of several, or the attempt to begin one."""

    report: PassReport
    pass_id: UUID | None
    """None: it could not begin; the only finding says why."""


def run_for(
    world: World,
    seconds: float,
    stopping: Callable[[], bool],
    on_break: Callable[[Exception], None],
    on_pass: Callable[[Passed], None] = lambda _: None,
) -> PassReport:
    """Run passes for `seconds` and return the sum of their reports, with their number; `on_pass` is shown each."""
    ends_at_s = time.monotonic() + seconds
    total: PassReport | None = None
    while True:
        started_s = time.monotonic()
        passed = one_pass(world, max(ends_at_s - started_s, 0.0), stopping, on_break)
        on_pass(passed)
        report = passed.report
        total = report if total is None else add(total, report)
        wait_until_s = started_s + PASS_GAP_S
        if report.is_idle:
            wait_until_s = max(wait_until_s, time.monotonic() + _idle_s(world))
        if stopping() or wait_until_s >= ends_at_s:
            return total
        while time.monotonic() < wait_until_s and not stopping():
            world.sleep(min(NAP_S, max(wait_until_s - time.monotonic(), 0.0)))


def one_pass(
    world: World, deadline_s: float, stopping: Callable[[], bool], on_break: Callable[[Exception], None]
) -> Passed:
    """Run a pass; one that cannot even begin, for the database is away, is a finding and not the end of the run."""
    try:
        world.db.ask(clock.now)  # the world's clock may go on for a while without the database
        budget = start_pass(world, deadline_s, stopping, poll_gap=timedelta(seconds=PASS_GAP_S))
    except Problem as problem:
        finding = Finding(message=problem.in_a_pass, exit_code=problem.exit_code)
        return Passed(report=PassReport(findings=(finding,)), pass_id=None)
    return Passed(report=run_once(world, budget, on_break), pass_id=budget.pass_id)


def _idle_s(world: World) -> float:
    """Return how long nothing is due, as far as the database knows now."""
    due_in_s = seconds_until_due(world)
    return LOOK_S if due_in_s is None else min(max(due_in_s, 0.0), LOOK_S)


def seconds_until_due(world: World) -> float | None:
    """Return when the next poll, submission or webhook try is due, 0 or less if one is; None when nothing is."""
    try:
        now = world.clock()
        due_at = world.db.ask(lambda tx: due.find_next(tx, now=now))
    except Problem:  # The next pass says so.
        return PASS_GAP_S
    return None if due_at is None else (due_at - now).total_seconds()
