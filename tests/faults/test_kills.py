"""Workers are killed, or told to stop; later passes finish the work, and money, jobs and events come out once."""

import pytest

from batchctl.domain.limits import OrphanPolicy
from batchctl.failpoint import Failpoint
from tests.faults.ground import Ground
from tests.faults.kills import (
    CASES,
    STOPS,
    WORKERS,
    kill_among_many,
    kill_at,
    kill_at_random,
    kill_while_stopping,
    stop_at_random,
)

QUICK = [(*case, WORKERS[number % 2]) for number, case in enumerate(CASES)]
"""Each case once, with one worker or two; `make torture` tries each with every number of workers."""


@pytest.mark.parametrize(("point", "stage", "workers"), QUICK)
def test_kill_at_a_point_loses_nothing_and_does_nothing_twice(
    ground: Ground, point: Failpoint, stage: str, workers: int
) -> None:
    """Wherever they die: each batch ends, each task is bought once, at most what was in flight is in doubt."""
    assert kill_at(ground, point, stage, workers) > 0


@pytest.mark.parametrize("point", [Failpoint.SUBMIT_AFTER_INTENT, Failpoint.HTTP_AFTER_SEND, Failpoint.SUBMIT_ANSWERED])
def test_kill_where_orphans_are_resubmitted(ground: Ground, point: Failpoint) -> None:
    """With BATCH_ORPHAN_POLICY=resubmit each task has its video, and only one that is in doubt is bought twice."""
    assert kill_at(ground, point, "dispatch", 1, policy=OrphanPolicy.RESUBMIT) > 0


@pytest.mark.parametrize("point", STOPS)
def test_kill_while_stopping(ground: Ground, point: Failpoint) -> None:
    """A worker that is told to stop may be killed as any other."""
    assert kill_while_stopping(ground, point) == 1


def test_kill_among_many_leaves_in_doubt_what_was_in_flight(ground: Ground) -> None:
    """Of 300 pending tasks with 4 in flight at most 4 are in doubt, and none that was never claimed is refunded."""
    kill_among_many(ground, 300)


def test_kills_at_random_moments(ground: Ground) -> None:
    """Whenever they die, 4 workers and their heirs do 60 tasks once."""
    kill_at_random(ground, 1, tasks=60, kills=6)


@pytest.mark.parametrize("seed", range(2))
def test_worker_that_is_told_to_stop_leaves_nothing_in_doubt(ground: Ground, seed: int) -> None:
    """After SIGTERM or SIGINT nothing new is sent, what is in flight is recorded, and the exit code says so."""
    stop_at_random(ground, seed)
