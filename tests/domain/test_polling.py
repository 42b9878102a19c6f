"""What every answer of the provider makes of a task (contract §4), and of one that a limit had failed (contract §1)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from batchctl.domain.failure import FailureType
from batchctl.domain.limits import Limits
from batchctl.domain.polling import (
    LOOK_WAIT,
    DueTask,
    PollRecord,
    WatchedTask,
    decide,
    decide_look,
    lease,
    max_poll_count_error,
)
from batchctl.domain.provider import Failed, NoSuchTask, PollAnswer, Running, Succeeded, Transient
from batchctl.domain.task import TaskStatus

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
LIMITS = Limits()
LINK = "https://video.example/a.mp4"


def task(poll_count: int = 0, poll_errors: int = 0, age_s: float | None = 3600) -> DueTask:
    """Build a task claimed for a poll, `age_s` seconds after it was submitted."""
    return DueTask(
        id=UUID(int=1),
        user_id=UUID(int=2),
        remote_id="remote",
        provider_host=None,
        claimed_at=None if age_s is None else NOW - timedelta(seconds=age_s),
        poll_count=poll_count,
        poll_errors=poll_errors,
    )


def wait_s(record: PollRecord) -> float:
    """Return the wait before the next poll."""
    assert record.next_poll_at is not None
    return (record.next_poll_at - NOW).total_seconds()


def test_record_names_what_it_started_from() -> None:
    """The counts and the id that the question was asked with are what the database must still find."""
    record = decide(task(poll_count=3, poll_errors=2), Running(progress=1), LIMITS, NOW)
    assert (record.remote_id, record.expected_poll_count, record.expected_poll_errors) == ("remote", 3, 2)


@pytest.mark.parametrize(
    ("polls_before", "progress", "expected_s"),
    [(0, 10, 5), (0, None, 5), (1, 10, 15), (2, 10, 15), (3, 10, 30), (18, 99, 30), (0, 100, 0), (7, 100, 0)],
)
def test_running_task_waits_by_the_polls_so_far(polls_before: int, progress: int | None, expected_s: int) -> None:
    """The poll is counted, then the wait chosen: 5, 15, 30 s, and none at progress 100 (mission)."""
    record = decide(task(poll_count=polls_before), Running(progress=progress), LIMITS, NOW)
    assert record.status is TaskStatus.PROCESSING
    assert (record.poll_count, record.progress, wait_s(record)) == (polls_before + 1, progress, expected_s)


def test_any_answer_resets_the_errors() -> None:
    """Failures are counted in a row; an answer begins a new one."""
    assert decide(task(poll_count=1, poll_errors=9), Running(progress=1), LIMITS, NOW).poll_errors == 0


def test_last_poll_fails_a_running_task() -> None:
    """The poll that reaches the limit ends the task, as a timeout (mission)."""
    record = decide(task(poll_count=19), Running(progress=99), LIMITS, NOW)
    assert (record.status, record.failure_type) == (TaskStatus.FAILED, FailureType.TIMEOUT)
    assert (record.error_message, record.poll_count) == ("MAX_POLL_COUNT_REACHED:20", 20)
    assert record.limit_reached
    assert record.next_poll_at is None


def test_last_poll_may_still_bring_the_result() -> None:
    """The limit is no reason to throw a video away that is there."""
    record = decide(task(poll_count=19), Succeeded(video_url=LINK), LIMITS, NOW)
    assert (record.status, record.video_url, record.limit_reached) == (TaskStatus.SUCCEEDED, LINK, False)


def test_limit_is_the_setting() -> None:
    """BATCH_MAX_POLL_COUNT stands in the error and decides when it comes."""
    few = replace(LIMITS, max_poll_count=2)
    assert decide(task(poll_count=0), Running(progress=1), few, NOW).status is TaskStatus.PROCESSING
    assert decide(task(poll_count=1), Running(progress=1), few, NOW).error_message == "MAX_POLL_COUNT_REACHED:2"
    assert max_poll_count_error(7) == "MAX_POLL_COUNT_REACHED:7"


def test_success_is_complete() -> None:
    """A link ends the task as succeeded, without a trace of failure."""
    record = decide(task(poll_count=4, poll_errors=1), Succeeded(video_url=LINK), LIMITS, NOW)
    assert (record.status, record.video_url, record.progress, record.poll_count) == ("succeeded", LINK, 100, 5)
    assert (record.failure_type, record.error_message, record.failure_reason, record.next_poll_at) == (None,) * 4


def test_success_without_link_is_asked_again_then_failed() -> None:
    """The ordinary waits are kept while polls are left; then the task fails with its own error (contract §4)."""
    again = decide(task(poll_count=2), Succeeded(video_url=None), LIMITS, NOW)
    assert (again.status, again.last_error, wait_s(again)) == ("processing", "SUCCEEDED_WITHOUT_VIDEO_URL", 15)
    last = decide(task(poll_count=19), Succeeded(video_url=None), LIMITS, NOW)
    assert (last.status, last.error_message) == ("failed", "SUCCEEDED_WITHOUT_VIDEO_URL")
    assert not last.limit_reached


def test_failure_keeps_the_providers_words() -> None:
    """Type, text and reason are stored as the provider's answer was read."""
    answer = Failed(failure_type=FailureType.PARAM_ERROR, error="blocked", reason="input_moderation")
    record = decide(task(), answer, LIMITS, NOW)
    assert (record.status, record.failure_type, record.error_message, record.failure_reason) == (
        "failed",
        "param_error",
        "blocked",
        "input_moderation",
    )
    assert not record.limit_reached


@pytest.mark.parametrize(
    ("polls", "errors", "expected_s"),
    [(0, 0, 5), (0, 1, 15), (0, 2, 15), (0, 3, 30), (1, 0, 15), (3, 0, 30), (19, 500, 30)],
)
def test_unanswered_poll_backs_off_and_does_not_count(polls: int, errors: int, expected_s: int) -> None:
    """The wait is chosen by poll_count + poll_errors; no number of errors fails a task (contract §4)."""
    record = decide(task(poll_count=polls, poll_errors=errors), Transient(error="HTTP 502"), LIMITS, NOW)
    assert (record.status, record.poll_count, record.poll_errors) == ("processing", polls, errors + 1)
    assert (record.last_error, record.error_message, wait_s(record)) == ("HTTP 502", None, expected_s)


@pytest.mark.parametrize(
    ("age_s", "many", "status"),
    [
        (0, False, "processing"),
        (59.9, False, "processing"),
        (60, False, "failed"),
        (3600, False, "failed"),
        (3600, True, "processing"),
        (None, False, "failed"),
        (None, True, "processing"),
    ],
)
def test_unknown_task_fails_once_it_is_old_and_alone(age_s: float | None, many: bool, status: str) -> None:  # noqa: FBT001 - a case of the table
    """-22 is transient within a minute of submission or for several customers at once, else final (contract §4)."""
    answer = NoSuchTask(error="task does not exist")
    record = decide(task(poll_count=2, age_s=age_s), answer, LIMITS, NOW, many_customers_lost=many)
    assert record.status == status
    if status == "failed":
        assert (record.poll_count, record.error_message, record.failure_type) == (3, "task does not exist", "unknown")
    else:
        assert (record.poll_count, record.poll_errors) == (2, 1)


def test_lease_outlives_the_request() -> None:
    """Nobody else asks while the first answer may still come."""
    assert lease(replace(LIMITS, provider_timeout_ms=60_000)) == timedelta(seconds=62)


def watched(left: timedelta) -> WatchedTask:
    """Build a task that a limit failed, with so much time left to look at it."""
    return WatchedTask(id=UUID(int=1), remote_id="remote", provider_host=None, looked_at_until=NOW + left)


@pytest.mark.parametrize(
    "answer",
    [
        Running(progress=100),
        Succeeded(video_url=None),
        NoSuchTask(error="task does not exist"),
        Transient(error="HTTP 502"),
    ],
)
def test_look_that_settles_nothing_is_repeated_while_time_is_left(answer: PollAnswer) -> None:
    """Every 10 minutes, and not beyond the end (contract §1)."""
    assert decide_look(watched(LOOK_WAIT), answer, NOW).next_look_at == NOW + timedelta(minutes=10)
    ended = decide_look(watched(LOOK_WAIT - timedelta(seconds=1)), answer, NOW)
    assert (ended.next_look_at, ended.video_url) == (None, None)


def test_late_result_ends_the_looks() -> None:
    """A link is kept, and nobody asks for it again."""
    record = decide_look(watched(LOOK_WAIT), Succeeded(video_url=LINK), NOW)
    assert (record.video_url, record.next_look_at) == (LINK, None)


def test_failure_at_the_provider_ends_the_looks() -> None:
    """Where the provider failed too, nothing will come."""
    record = decide_look(watched(LOOK_WAIT), Failed(failure_type=FailureType.UNKNOWN, error="error"), NOW)
    assert (record.video_url, record.next_look_at) == (None, None)
