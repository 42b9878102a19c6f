"""What waits for a stage that somebody has stopped is no failure; what waits for one that works is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from batchctl.domain.backlog import Backlog, judge_backlog, judge_pauses
from batchctl.domain.doctor import Level
from batchctl.domain.pause import Pause, Stage

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
IDLE = Backlog(
    claim_due_since=None,
    start_due_since=None,
    poll_due_since=None,
    settle_due_since=None,
    delivery_due_since=None,
    overdue_count=0,
    orphan_count=0,
    held_batch_count=0,
    held_task_count=0,
    unsigned_count=0,
    last_run_at=None,
    last_exit_code=None,
)
LATE = replace(
    IDLE,
    claim_due_since=NOW - HOUR,
    start_due_since=NOW - HOUR,
    poll_due_since=NOW - HOUR,
    settle_due_since=NOW - HOUR,
    delivery_due_since=NOW - HOUR,
    overdue_count=2,
)
CHECKS = {
    "queue": Stage.DISPATCH,
    "starts": Stage.DISPATCH,
    "polls": Stage.POLL,
    "settlements": Stage.SETTLE,
    "deliveries": Stage.WEBHOOK,
}


def levels(*paused: Stage) -> dict[str, Level]:
    """Return how each check is judged when all work is late."""
    return {line.check: line.level for line in judge_backlog(LATE, NOW, set(paused))}


def test_late_work_is_a_failure() -> None:
    """Without a pause each kind of late work fails, and nothing does that is not late."""
    assert levels() == dict.fromkeys([*CHECKS, "progress"], Level.FAIL)
    assert {line.level for line in judge_backlog(IDLE, NOW)} == {Level.OK}


@pytest.mark.parametrize("stage", Stage)
def test_work_of_a_paused_stage_is_a_warning(stage: Stage) -> None:
    """What waits for the stage that is stopped is told as such; tasks past their deadline wait for two stages."""
    expected = {check: Level.WARN if of is stage else Level.FAIL for check, of in CHECKS.items()}
    expected["progress"] = Level.WARN if stage in {Stage.DISPATCH, Stage.POLL} else Level.FAIL

    assert levels(stage) == expected
    late = next(line for line in judge_backlog(LATE, NOW, {stage}) if CHECKS.get(line.check) is stage)
    assert (late.found.endswith(f"since 60 min: {stage} paused"), late.exit_code) == (True, 0)


def test_pause_is_a_warning_with_a_way_out() -> None:
    """A line for each pause: who, since when, why, and the command that ends it."""
    one = Pause(stage=Stage.POLL, paused_at=NOW - 3 * HOUR, os_user="ann", host="desk", reason="provider down")

    (line,) = judge_pauses([one], NOW)

    assert (line.level, line.exit_code) == (Level.WARN, 0)
    assert line.found == "poll is paused by ann@desk since 3 h: provider down"
    assert line.advice == "`batchctl resume poll` when that is over"
