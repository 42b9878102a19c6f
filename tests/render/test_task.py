"""Tasks as lists and as pages: what one waits for, in every state, and nothing that a stranger's text could do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from batchctl.domain.batch import BatchStatus
from batchctl.domain.task import TaskStatus
from batchctl.domain.task_page import ListedTask, TaskDetail, TaskList, TaskShow
from batchctl.render.grid import plain
from batchctl.render.task import listing, next_step, page

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)
TASK = TaskDetail(
    id=UUID("7d1c09aa-7d3c-4c5f-9a55-1f2f3c4d5e6f"),
    batch_id=UUID("0033894e-7d3c-4c5f-9a55-1f2f3c4d5e6f"),
    user_id=UUID("7e5e7bba-0000-4000-8000-000000000001"),
    batch_index=4,
    status=TaskStatus.PENDING,
    batch_status=BatchStatus.PROCESSING,
    batch_cancelled_at=None,
    hold_reason=None,
    model="sora-2",
    prompt="a paper\nboat\x1b[2J",
    reference_url=None,
    aspect_ratio=None,
    duration=None,
    size=None,
    meta=None,
    created_at=NOW - timedelta(hours=1),
    attempts=0,
    submit_errors=0,
    submit_defers=0,
    resubmits=0,
    first_attempt_at=None,
    claimed_at=None,
    next_retry_at=None,
    blocked_by=None,
    unknown_since=None,
    provider_id=None,
    provider_host=None,
    progress=None,
    poll_count=0,
    poll_errors=0,
    last_poll_at=None,
    next_poll_at=None,
    completed_at=None,
    video_url=None,
    video_url_seen_at=None,
    failure_type=None,
    failure_reason=None,
    error_message=None,
    last_error=None,
    retry_of=None,
    retried_by=None,
    late_video_url=None,
    late_seen_at=None,
    next_look_at=None,
)
SENT: dict[str, Any] = {"status": TaskStatus.PROCESSING, "claimed_at": NOW - timedelta(minutes=5), "attempts": 1}


def told(task: TaskDetail) -> str:
    """Return the page of a task as a pipe gets it."""
    return "\n".join(plain(part) for part in page(TaskShow(as_of=NOW, task=task)))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "to be sent: due"),
        ({"next_retry_at": NOW + timedelta(seconds=60)}, "to be sent in 60 s"),
        ({"batch_cancelled_at": NOW}, "its batch is cancelled: the next pass fails it as CANCELLED"),
        (SENT, "being sent now, or its worker died"),
        (
            SENT | {"unknown_since": NOW - timedelta(minutes=20)},
            "nobody knows whether the provider accepted it, for 20",
        ),
        (SENT | {"provider_id": "14-x"}, "to be asked for: due"),
        (SENT | {"provider_id": "14-x", "next_poll_at": NOW + timedelta(seconds=5)}, "to be asked for in 5 s"),
        (SENT | {"hold_reason": "x"}, "nothing, until it is decided or released"),
        ({"status": TaskStatus.SUCCEEDED}, "nothing: it has ended"),
        (
            {"status": TaskStatus.FAILED, "next_look_at": NOW + timedelta(minutes=9)},
            "it has ended; the provider is asked once more for a late result in 9 min",
        ),
    ],
)
def test_what_happens_next_is_said(changed: dict[str, Any], said: str) -> None:
    """In each state the page says what the task waits for, and how long."""
    assert next_step(replace(TASK, **changed), NOW).startswith(said)


def test_page_leaves_out_what_was_not() -> None:
    """What never happened to a task takes no line; what was ordered is one harmless line each."""
    text = told(TASK)
    assert "prompt\ta paper⏎boat\\x1b[2J\n" in text
    assert not {"error", "video", "reference", "next poll", "put off"} & {
        line.split("\t")[0] for line in text.split("\n")
    }


def test_hold_says_how_it_is_ended() -> None:
    """One in doubt is decided, any other released; each by a command that can be pasted."""
    doubtful = told(replace(TASK, **SENT, hold_reason="SUBMIT_OUTCOME_UNKNOWN"))
    other = told(replace(TASK, hold_reason="overflow"))
    assert f"  batchctl task resolve {TASK.id} --submit-again\n" in doubtful
    assert f"  batchctl hold release {TASK.id}\n" in other


def test_link_that_may_be_gone_is_told() -> None:
    """The provider keeps links for two hours."""
    old = replace(TASK, status=TaskStatus.SUCCEEDED, video_url="https://x", video_url_seen_at=NOW - timedelta(hours=3))
    assert "link seen\t3 h ago; the provider keeps links about 2 hours" in told(old)


def test_list_marks_what_waits_for_a_person() -> None:
    """A task on hold is told as held, with the reason; one in doubt as such; the type of a failure before its error."""
    line = ListedTask(
        id=TASK.id,
        batch_id=TASK.batch_id,
        batch_index=4,
        status=TaskStatus.PROCESSING,
        model="sora-2",
        prompt="a\tboat",
        provider_id=None,
        attempts=1,
        poll_count=0,
        failure_type=None,
        error=None,
        hold_reason=None,
        unknown_since=NOW,
        video_url=None,
        created_at=NOW,
        completed_at=None,
    )
    held = replace(line, hold_reason="SUBMIT_OUTCOME_UNKNOWN")
    failed = replace(
        line, status=TaskStatus.FAILED, unknown_since=None, failure_type="timeout", error="slow", hold_reason="old"
    )
    rows = plain(listing(TaskList(tasks=(line, held, failed), more=False))).splitlines()[1:]
    assert [row.split("\t")[3] for row in rows] == ["in doubt", "held", "failed"]
    assert [row.split("\t")[-2] for row in rows] == ["", "ON HOLD: SUBMIT_OUTCOME_UNKNOWN", "timeout: slow"]
    assert rows[0].endswith("\ta⇥boat")
