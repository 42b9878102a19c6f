"""What becomes of a task after it was asked for: every answer turned into the row to write (contract §4, §1)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from batchctl.domain.backoff import poll_wait
from batchctl.domain.failure import FailureType, classify
from batchctl.domain.limits import LEASE_SLACK, Limits
from batchctl.domain.provider import Failed, NoSuchTask, PollAnswer, Running, Succeeded, Transient
from batchctl.domain.task import TaskStatus

NO_URL_ERROR = "SUCCEEDED_WITHOUT_VIDEO_URL"
NO_SUCH_TASK_GRACE = timedelta(minutes=1)
"""How young a submission may be for "no such task" to mean nothing (contract §4)."""
LOOK_WAIT = timedelta(minutes=10)
LOOK_WINDOW = timedelta(hours=2)
"""A task that a limit failed is looked at again every 10 min for 2 hours (contract §1, late_results)."""


def max_poll_count_error(max_poll_count: int) -> str:
    """Return the error of a task that reached the poll limit (mission: Maximum number of polls)."""
    return f"MAX_POLL_COUNT_REACHED:{max_poll_count}"


def lease(limits: Limits) -> timedelta:
    """Return how long a claimed question belongs to its worker: the request's own deadline and a little more."""
    return timedelta(milliseconds=limits.provider_timeout_ms) + LEASE_SLACK


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTask:
    """A task claimed for a poll, as its row says."""

    id: UUID
    user_id: UUID
    remote_id: str
    provider_host: str | None
    claimed_at: datetime | None
    """When it was sent; unknown for tasks that the original worker sent."""
    poll_count: int
    poll_errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRecord:
    """The row to write after a poll; it applies only while the task is open and its counts are the expected ones."""

    id: UUID
    remote_id: str
    expected_poll_count: int
    expected_poll_errors: int
    status: TaskStatus
    poll_count: int
    poll_errors: int
    progress: int | None = None
    next_poll_at: datetime | None = None
    video_url: str | None = None
    last_error: str | None = None
    error_message: str | None = None
    failure_type: FailureType | None = None
    failure_reason: str | None = None
    limit_reached: bool = False


def decide(
    task: DueTask, answer: PollAnswer, limits: Limits, now: datetime, *, many_customers_lost: bool = False
) -> PollRecord:
    """Turn the provider's answer into the row to write.

    `many_customers_lost` says that in this pass the provider denied knowing the tasks of several customers, which
    speaks of the provider and not of the tasks (contract §4).
    """
    answered = PollRecord(
        id=task.id,
        remote_id=task.remote_id,
        expected_poll_count=task.poll_count,
        expected_poll_errors=task.poll_errors,
        status=TaskStatus.PROCESSING,
        poll_count=task.poll_count + 1,
        poll_errors=0,
    )
    match answer:
        case Running(progress=progress):
            return _again(replace(answered, progress=progress), progress, limits, now)
        case Succeeded(video_url=None):
            if answered.poll_count >= limits.max_poll_count:
                return _fail(answered, classify(NO_URL_ERROR), NO_URL_ERROR)
            return _again(replace(answered, last_error=NO_URL_ERROR), None, limits, now)
        case Succeeded(video_url=video_url):
            return replace(answered, status=TaskStatus.SUCCEEDED, video_url=video_url, progress=100)
        case Failed(failure_type=failure_type, error=error, reason=reason):
            return _fail(answered, failure_type, error, reason)
        case NoSuchTask(error=error):
            young = task.claimed_at is not None and now - task.claimed_at < NO_SUCH_TASK_GRACE
            if young or many_customers_lost:
                return _unanswered(answered, task, error, limits, now)
            return _fail(answered, classify(error), error)
        case Transient(error=error):
            return _unanswered(answered, task, error, limits, now)
        case _:
            assert_never(answer)


def _again(answered: PollRecord, progress: int | None, limits: Limits, now: datetime) -> PollRecord:
    if answered.poll_count >= limits.max_poll_count:
        error = max_poll_count_error(limits.max_poll_count)
        return replace(_fail(answered, FailureType.TIMEOUT, error), limit_reached=True)
    return replace(answered, next_poll_at=now + poll_wait(progress, answered.poll_count, limits.poll_waits_s))


def _fail(answered: PollRecord, failure_type: FailureType, error: str, reason: str | None = None) -> PollRecord:
    return replace(
        answered,
        status=TaskStatus.FAILED,
        failure_type=failure_type,
        error_message=error,
        last_error=error,
        failure_reason=reason,
    )


def _unanswered(answered: PollRecord, task: DueTask, error: str, limits: Limits, now: datetime) -> PollRecord:
    errors = task.poll_errors + 1
    return replace(
        answered,
        poll_count=task.poll_count,
        poll_errors=errors,
        last_error=error,
        next_poll_at=now + poll_wait(None, task.poll_count + errors, limits.poll_waits_s),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedTask:
    """A task that a limit failed, claimed for a look."""

    id: UUID
    remote_id: str
    provider_host: str | None
    looked_at_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRecord:
    """The row to write after a look: a late result, the time of the next look, or neither when nothing will come."""

    id: UUID
    remote_id: str
    video_url: str | None = None
    next_look_at: datetime | None = None


def decide_look(task: WatchedTask, answer: PollAnswer, now: datetime) -> LookRecord:
    """Say what a look at a failed task saw; only a link and the provider's own failure end the looks before their time.

    Whatever it is, the task stays failed and nobody pays for it (contract §1).
    """
    seen = LookRecord(id=task.id, remote_id=task.remote_id)
    match answer:
        case Succeeded(video_url=str(video_url)):
            return replace(seen, video_url=video_url)
        case Failed():
            return seen
        case Succeeded() | Running() | NoSuchTask() | Transient():
            next_look_at = now + LOOK_WAIT
            return replace(seen, next_look_at=next_look_at) if next_look_at <= task.looked_at_until else seen
        case _:
            assert_never(answer)
