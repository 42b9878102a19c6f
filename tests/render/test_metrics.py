"""Figures in the text format: whole, escaped, and with every series that a chart needs, zeros included."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from batchctl.domain.backlog import Backlog
from batchctl.domain.batch import BatchStatus
from batchctl.domain.metrics import EndedBatches, EndedTasks, Measured, OpenBatches, OpenDeliveries, PassMetrics
from batchctl.domain.pause import Stage
from batchctl.render.metrics import exposition

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)
PASS = PassMetrics(ended_at_s=1_769_850_000.25, succeeded_at_s=1_769_849_990.0, exit_code=1, duration_s=0.123)
BACKLOG = Backlog(
    claim_due_since=NOW - timedelta(seconds=90),
    start_due_since=None,
    poll_due_since=NOW + timedelta(seconds=5),
    settle_due_since=None,
    delivery_due_since=NOW - timedelta(hours=1),
    overdue_count=1,
    orphan_count=2,
    held_batch_count=3,
    held_task_count=4,
    unsigned_count=5,
    last_run_at=None,
    last_exit_code=None,
)
NOTHING = Measured(
    now=NOW, backlog=BACKLOG, open_batches=(), open_deliveries=(), ended_tasks=(), ended_batches=(), paused=()
)


def batches(next_step: str, frozen_credits: int) -> OpenBatches:
    """Return a row of batches with one pending task, two in flight, three succeeded and four failed."""
    return OpenBatches(
        next_step=next_step,
        batches=5,
        tasks_pending=1,
        tasks_in_flight=2,
        tasks_succeeded=3,
        tasks_failed=4,
        frozen_credits=frozen_credits,
    )


def values(text: str) -> dict[str, float]:
    """Read the text format strictly: each series once, below its help and its type."""
    found: dict[str, float] = {}
    described: set[str] = set()
    for line in text.splitlines():
        if help_line := re.fullmatch(r"# HELP (batchctl_[a-z_]+) \S.*\.", line):
            assert help_line[1] not in described
        elif type_line := re.fullmatch(r"# TYPE (batchctl_[a-z_]+) gauge", line):
            described.add(type_line[1])
        else:
            series = re.fullmatch(r'((batchctl_[a-z_]+)(?:\{[a-z_]+="(?:[^"\\\n]|\\.)*"\})?) (-?\d+(?:\.\d+)?)', line)
            assert series, line
            assert series[2] in described
            assert series[1] not in found
            found[series[1]] = float(series[3])
    assert text.endswith("\n")
    return found


def test_database_that_is_away_leaves_what_the_process_knows() -> None:
    """Then there is no figure of the database, so that none of them looks as if it were of now."""
    told = values(exposition(PASS, None))

    assert told["batchctl_database_up"] == 0
    assert told["batchctl_last_exit_code"] == 1
    assert told["batchctl_last_success_timestamp_seconds"] == 1_769_849_990
    assert told["batchctl_last_pass_timestamp_seconds"] == 1_769_850_000.25
    assert told["batchctl_last_pass_duration_seconds"] == 0.123
    assert not any("open" in name or "hour" in name for name in told)


def test_pass_that_never_succeeded_says_so_by_silence() -> None:
    """No instant is made up for it."""
    assert "last_success" not in exposition(replace(PASS, succeeded_at_s=None), None)


def test_states_are_summed_over_what_batches_wait_for() -> None:
    """Tasks and credits are those of all open batches."""
    told = values(exposition(PASS, replace(NOTHING, open_batches=(batches("poll", 100), batches("start", 11)))))

    assert told['batchctl_open_batches{step="poll"}'] == 5
    assert told['batchctl_open_batches{step="settle"}'] == 0
    assert [told[f'batchctl_open_tasks{{state="{state}"}}'] for state in ("pending", "in_flight", "failed")] == [
        2,
        4,
        8,
    ]
    assert told["batchctl_credits_frozen"] == 111


def test_ages_are_of_what_is_due() -> None:
    """What is not due yet, or not there, is of age zero."""
    told = values(exposition(PASS, NOTHING))

    ages = {work: told[f'batchctl_oldest_due_age_seconds{{work="{work}"}}'] for work in ("claim", "poll", "webhook")}
    assert ages == {"claim": 90, "poll": 0, "webhook": 3600}
    assert told['batchctl_held{kind="task"}'] == 4
    assert [told["batchctl_overdue_tasks"], told["batchctl_orphaned_tasks"], told["batchctl_unsigned_deliveries"]] == [
        1,
        2,
        5,
    ]


def test_last_hour_is_summed_by_kind() -> None:
    """Failures count by type, those of a type that nobody knows as unknown; batches by end and by delivery; money."""
    tasks = (
        EndedTasks(status="failed", failure_type='we"ird\n', tasks=1),
        EndedTasks(status="failed", failure_type=None, tasks=2),
        EndedTasks(status="failed", failure_type="timeout", tasks=4),
        EndedTasks(status="succeeded", failure_type="timeout", tasks=8),
    )
    ended = tuple(
        EndedBatches(status=status, webhook_status=told, batches=2, credits_spent=10, credits_refunded=3)
        for status, told in ((BatchStatus.PARTIAL, "sent"), (BatchStatus.PARTIAL, None), (BatchStatus.FAILED, "sent"))
    )
    told = values(exposition(PASS, replace(NOTHING, ended_tasks=tasks, ended_batches=ended)))

    failures = {kind: told[f'batchctl_last_hour_tasks_failed{{type="{kind}"}}'] for kind in ("unknown", "timeout")}
    assert failures == {"unknown": 3, "timeout": 4}
    assert told["batchctl_last_hour_tasks_succeeded"] == 8
    assert told['batchctl_last_hour_batches{status="partial"}'] == 4
    assert told['batchctl_last_hour_deliveries{state="sent"}'] == 4
    assert [told["batchctl_last_hour_credits_spent"], told["batchctl_last_hour_credits_refunded"]] == [30, 9]


def test_pauses_and_open_deliveries_have_each_series() -> None:
    """A stage that works is 0, one that is stopped 1; so an alert has something to compare with."""
    deliveries = (OpenDeliveries(state="set_aside", deliveries=7),)
    told = values(exposition(PASS, replace(NOTHING, paused=(Stage.POLL,), open_deliveries=deliveries)))

    assert [told[f'batchctl_paused{{stage="{stage}"}}'] for stage in Stage] == [0, 1, 0, 0]
    assert told['batchctl_open_deliveries{state="set_aside"}'] == 7
    assert told['batchctl_open_deliveries{state="pending"}'] == 0
