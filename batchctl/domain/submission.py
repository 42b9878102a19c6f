"""What becomes of a task after it was sent: every answer of the provider turned into the row to write (contract §4)."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any, assert_never, cast
from uuid import UUID

from batchctl.domain.backoff import poll_wait, submit_wait
from batchctl.domain.failure import FailureType
from batchctl.domain.limits import Limits, OrphanPolicy
from batchctl.domain.provider import (
    Accepted,
    AccountRefused,
    Deferred,
    OutcomeUnknown,
    Refused,
    Submission,
    SubmitAnswer,
)
from batchctl.domain.task import TaskStatus

UNKNOWN_ERROR = "SUBMIT_OUTCOME_UNKNOWN"
DEADLINE_ERROR = "TASK_DEADLINE_REACHED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedTask:
    """A task claimed for sending (or found orphaned), as its row says."""

    id: UUID
    user_id: UUID
    attempts: int
    """Submissions tried, this one included: the token that the record must still find."""
    submit_errors: int
    submit_defers: int
    resubmits: int
    first_attempt_at: datetime
    claimed_at: datetime
    unknown_since: datetime | None
    blocked_by: FailureType | None
    model: str | None
    prompt: str | None
    reference_url: str | None
    aspect_ratio: str | None
    duration: int | None
    size: str | None
    meta: str | None
    """The JSON text: a customer's number may be too long, and a list too deep, for Python to read it with the row."""

    def submission(self) -> Submission:
        """Return what the provider has to know."""
        return Submission(
            task_id=str(self.id),
            model=self.model,
            prompt=self.prompt,
            reference_url=self.reference_url,
            aspect_ratio=self.aspect_ratio,
            duration=self.duration,
            size=self.size,
            meta=_json_object(self.meta),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsentTask:
    """A task that waits to be sent and never will be, with what it fails for."""

    id: UUID
    failure_type: FailureType
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRecord:
    """The row to write after a submission; it applies only while the task is still claimed with these `attempts`."""

    id: UUID
    attempts: int
    status: TaskStatus
    submit_errors: int
    submit_defers: int
    resubmits: int
    remote_id: str | None = None
    next_poll_at: datetime | None = None
    next_retry_at: datetime | None = None
    blocked_by: FailureType | None = None
    unknown_since: datetime | None = None
    last_error: str | None = None
    error_message: str | None = None
    failure_type: FailureType | None = None
    failure_reason: str | None = None
    hold_reason: str | None = None
    outcome_unknown: bool = False
    """Whether nobody knows if the provider accepted the task, whatever the policy makes of that."""


def decide(
    task: ClaimedTask, answer: SubmitAnswer, limits: Limits, now: datetime, random: Random, *, calls_back: bool
) -> SubmissionRecord:
    """Turn the provider's answer into the row to write; `calls_back` says whether a callback may still bring an id."""
    same = SubmissionRecord(
        id=task.id,
        attempts=task.attempts,
        status=TaskStatus.PROCESSING,
        submit_errors=task.submit_errors,
        submit_defers=task.submit_defers,
        resubmits=task.resubmits,
    )
    match answer:
        case Accepted(remote_id=remote_id):
            return replace(same, remote_id=remote_id, next_poll_at=now + poll_wait(None, 0, limits.poll_waits_s))
        case Refused(failure_type=failure_type, error=error, reason=reason):
            return _fail(same, failure_type, error, error, reason)
        case Deferred(blocked_by=blocked_by, error=error, counted=counted, retry_after_s=retry_after_s):
            errors = task.submit_errors + counted
            if counted and errors >= limits.max_submit_attempts:
                return _fail(replace(same, submit_errors=errors), FailureType.MODEL_ERROR, error, error)
            deferred = replace(same, submit_errors=errors, last_error=error)
            return _defer(deferred, task, blocked_by, retry_after_s, limits, now, random)
        case AccountRefused(error=error, retry_after_s=retry_after_s):
            deferred = replace(same, last_error=error)
            return _defer(deferred, task, FailureType.MODEL_ERROR, retry_after_s, limits, now, random)
        case OutcomeUnknown():
            same = replace(same, outcome_unknown=True)
            return _unknown(same, task, answer, limits, now, calls_back=calls_back)
        case _:
            assert_never(answer)


def _fail(
    same: SubmissionRecord, failure_type: FailureType, message: str, detail: str, reason: str | None = None
) -> SubmissionRecord:
    return replace(
        same,
        status=TaskStatus.FAILED,
        failure_type=failure_type,
        error_message=message,
        last_error=detail,
        failure_reason=reason,
    )


def _defer(
    same: SubmissionRecord,
    task: ClaimedTask,
    blocked_by: FailureType,
    retry_after_s: float | None,
    limits: Limits,
    now: datetime,
    random: Random,
) -> SubmissionRecord:
    if now - task.first_attempt_at >= limits.task_deadline:
        return _fail(same, blocked_by, DEADLINE_ERROR, same.last_error or DEADLINE_ERROR)
    defers = task.submit_defers + 1
    return replace(
        same,
        status=TaskStatus.PENDING,
        submit_defers=defers,
        blocked_by=blocked_by,
        next_retry_at=now + submit_wait(defers, retry_after_s, random),
    )


def _unknown(
    same: SubmissionRecord,
    task: ClaimedTask,
    answer: OutcomeUnknown,
    limits: Limits,
    now: datetime,
    *,
    calls_back: bool,
) -> SubmissionRecord:
    since = task.unknown_since or task.claimed_at
    match limits.orphan_policy:
        case OrphanPolicy.HOLD:
            return replace(same, unknown_since=since, last_error=answer.error, hold_reason=UNKNOWN_ERROR)
        case OrphanPolicy.RESUBMIT if task.resubmits == 0:
            return replace(
                same, status=TaskStatus.PENDING, resubmits=1, blocked_by=answer.failure_type, last_error=answer.error
            )
        case OrphanPolicy.FAIL | OrphanPolicy.RESUBMIT:
            if calls_back and now - since < limits.orphan_hold:
                if now - task.first_attempt_at >= limits.task_deadline:
                    return _fail(same, FailureType.TIMEOUT, DEADLINE_ERROR, answer.error)
                return replace(same, unknown_since=since, blocked_by=answer.failure_type, last_error=answer.error)
            return _fail(same, answer.failure_type, UNKNOWN_ERROR, answer.error)
        case _:
            assert_never(limits.orphan_policy)


def _json_object(text: str | None) -> dict[str, Any] | None:
    """Read an object from JSON that a customer wrote; None when there is none, or it is nested beyond measure."""
    try:
        value: object = json.loads(text or "null", parse_int=float)
    except RecursionError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
