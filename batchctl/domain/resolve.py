"""Deciding by hand about a task of which nobody knows whether the provider accepted it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from batchctl.domain.backoff import poll_wait
from batchctl.domain.failure import FailureType
from batchctl.domain.limits import Limits
from batchctl.domain.new_task import is_storable
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.domain.submission import UNKNOWN_ERROR
from batchctl.domain.task import TaskStatus
from batchctl.domain.task_page import TaskDetail

LONGEST_PROVIDER_ID = 200


class RefusedProblem(Problem):
    """A decision that cannot be taken as things stand; nothing was written."""


class Decision(StrEnum):
    """What an operator may decide."""

    ACCEPTED = "accepted"
    """The provider has it, under an id that its own records tell."""
    FAILED = "failed"
    """Nobody will ever know, or the provider does not have it and it is not wanted any more."""
    SUBMIT_AGAIN = "submit-again"
    """The provider does not have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The row to write; it applies only while the task is in doubt with these `attempts`."""

    id: UUID
    attempts: int
    status: TaskStatus
    remote_id: str | None = None
    next_poll_at: datetime | None = None
    failure_type: FailureType | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveReport:
    """What was decided about a task, or would be."""

    schema: str = "batchctl/task.resolve/1"
    is_rehearsal: bool
    task_id: UUID
    batch_id: UUID
    decision: Decision
    status: TaskStatus
    """After it."""
    provider_id: str | None
    unknown_since: datetime | None


def need_provider_id(text: str) -> str:
    """Return an id of the provider as it was written; UsageProblem for one that cannot be."""
    given = text.strip()
    if not given or len(given) > LONGEST_PROVIDER_ID or not given.isprintable() or not is_storable(given):
        raise UsageProblem(f"--accepted takes the provider's id of the job: 1 to {LONGEST_PROVIDER_ID} characters")
    return given


def need_doubt(task: TaskDetail) -> None:
    """Raise RefusedProblem for a task that is not in doubt, with the reason."""
    name = f"task {task.id}"
    if task.status in (TaskStatus.SUCCEEDED, TaskStatus.FAILED):
        raise RefusedProblem(f"{name} has {task.status} and stays so: nothing about it is in doubt")
    if task.status is TaskStatus.PENDING:
        raise RefusedProblem(f"{name} is pending: it was not sent, so nothing about it is in doubt")
    if task.provider_id is not None:
        raise RefusedProblem(
            f"{name} was accepted by the provider, as {task.provider_id!r}: polls tell what becomes of it"
        )
    if task.unknown_since is None and task.hold_reason is None:
        raise RefusedProblem(
            f"{name} is being sent now, or its worker died: if it did, a pass finds out after "
            "BATCH_CLAIM_TIMEOUT_SECONDS; look again then"
        )


def resolution(
    task: TaskDetail, decision: Decision, provider_id: str | None, limits: Limits, now: datetime
) -> Resolution:
    """Turn a decision about a task in doubt into the row to write; RefusedProblem where its batch forbids it."""
    attempts = task.attempts or 0
    match decision:
        case Decision.ACCEPTED:
            next_poll_at = now + poll_wait(None, 0, limits.poll_waits_s)
            return Resolution(
                id=task.id,
                attempts=attempts,
                status=TaskStatus.PROCESSING,
                remote_id=provider_id,
                next_poll_at=next_poll_at,
            )
        case Decision.SUBMIT_AGAIN:
            if task.batch_cancelled_at is not None:
                raise RefusedProblem(
                    f"batch {task.batch_id} is cancelled: nothing of it is sent; decide --failed instead"
                )
            return Resolution(id=task.id, attempts=attempts, status=TaskStatus.PENDING)
        case Decision.FAILED:
            failure_type = next((kind for kind in FailureType if kind == task.blocked_by), FailureType.TIMEOUT)
            return Resolution(
                id=task.id,
                attempts=attempts,
                status=TaskStatus.FAILED,
                failure_type=failure_type,
                error=UNKNOWN_ERROR,
            )
