"""The worker: passes without end, asleep while nothing is due, woken when a batch arrives or when it is to stop."""

import select
import time
from collections.abc import Callable
from typing import Protocol

from batchctl.db import is_pooled
from batchctl.domain.problem import Problem
from batchctl.service.run_for import LOOK_S, PASS_GAP_S, Passed, one_pass, seconds_until_due
from batchctl.service.world import World
from batchctl.store import due

CHANNEL = "batchctl_batch"
"""On which the database says that a batch is due (sql/migrations/0022)."""
DEADLINE_S = 50.0
"""A pass takes no new work after so long, so that the next one sees what is new."""
LONGEST_SLEEP_S = 30.0
"""What a lost notification costs at most; rescue and late looks have no other clock."""
LONGEST_RETRY_S = 30.0
"""Between two attempts to begin a pass while the database is away."""


class Stop(Protocol):
    """Whether the process was asked to stop; its file can be read as soon as it was."""

    def is_asked(self) -> bool:
        """Say whether new work must not be taken any more."""
        ...

    def fileno(self) -> int:
        """Return the file that can be read from then on."""
        ...


def work(
    world: World,
    stop: Stop,
    on_break: Callable[[Exception], None],
    on_pass: Callable[[Passed], None],
    *,
    longest_sleep_s: float = LONGEST_SLEEP_S,
) -> None:
    """Run passes until `stop` is asked; `on_pass` is shown each, and no finding ends the work."""
    vain, idle = 0, 0
    """How many passes in a row could not begin, and how many found nothing to do."""
    while not stop.is_asked():
        began_s = time.monotonic()
        passed = one_pass(world, DEADLINE_S, stop.is_asked, on_break)
        on_pass(passed)
        vain = 0 if passed.pass_id else vain + 1
        idle = idle + 1 if passed.report.is_idle else 0
        rest(stop, began_s + PASS_GAP_S - time.monotonic())
        if vain:
            rest(stop, min(retry_s(vain), longest_sleep_s) - PASS_GAP_S)
        elif idle:
            _sleep(world, stop, min(sleep_s(seconds_until_due(world), idle), longest_sleep_s))


def retry_s(vain: int) -> float:
    """Say how long to wait after the `vain`th attempt in a row to reach the database: 1, 2, 4, … 30 s."""
    return min(2.0 ** min(vain - 1, 10), LONGEST_RETRY_S)


def sleep_s(due_in_s: float | None, idle: int) -> float:
    """Say how long to sleep after the `idle`th pass in a row that found nothing, when work is due in `due_in_s`.

    What is due and was not found is another worker's, or waits for a place or an operator: the waits for it grow.
    """
    if due_in_s is None:
        return LONGEST_SLEEP_S
    if due_in_s > 0:
        return min(due_in_s, LONGEST_SLEEP_S)
    return min(0.5 * 2.0 ** min(idle, 10), LOOK_S) - PASS_GAP_S


def _sleep(world: World, stop: Stop, seconds: float) -> None:
    """Sleep until a batch arrives; look more often behind a pooler, where nobody is told, and while batches queue up.

    What keeps those from being claimed (a pause, a wallet that another program holds) goes without a word.
    """
    if seconds <= 0:
        return
    try:
        if world.db.ask(is_pooled):
            rest(stop, min(seconds, LOOK_S))
        else:
            longest_s = LOOK_S if world.db.ask(due.claim_waits) else seconds
            world.db.await_word(CHANNEL, min(seconds, longest_s), stop.fileno())
    except Problem:  # The next pass says so.
        return


def rest(stop: Stop, seconds: float) -> None:
    """Sleep until the process is asked to stop."""
    if seconds > 0 and not stop.is_asked():
        select.select([stop.fileno()], [], [], seconds)


def is_told(world: World) -> bool:
    """Say whether the worker can be woken when a batch arrives, which no pooler lets through.

    Raises UnreachableProblem when the database is away.
    """
    return not world.db.ask(is_pooled)
