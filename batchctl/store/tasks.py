"""Statements on video_tasks."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.batch_page import FailureCount, TaskCounts, TaskLine
from batchctl.domain.new_task import DEFAULT_MODEL, NewTask
from batchctl.domain.polling import DueTask, PollRecord
from batchctl.domain.submission import ClaimedTask, SubmissionRecord, UnsentTask
from batchctl.domain.task import TaskStatus
from batchctl.statement import Conn, NoRow, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id:
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Policies:
    has_policies: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredTask:
    """A task that a limit ended."""

    id: UUID
    by_poll_count: bool
    """True for the poll limit, False for the deadline."""


_FIND_UNCLOSED = Statement("tasks/find_unclosed", UnsentTask)
_FIND_OVERDUE = Statement("tasks/find_overdue", UnsentTask)
_FAIL_UNSENT = Statement("tasks/fail_unsent", NoRow)
_FIND_STARTABLE = Statement("tasks/find_startable", _Id)
_START = Statement("tasks/start", ClaimedTask)
_FIND_CLAIMED = Statement("tasks/find_claimed", _Id)
_RECORD_SUBMISSIONS = Statement("tasks/record_submissions", _Id)
_FIND_ORPHANS = Statement("tasks/find_orphans", ClaimedTask)
_FIND_EXPIRED = Statement("tasks/find_expired", _Id)
_EXPIRE_POLLED = Statement("tasks/expire_polled", ExpiredTask)
_FIND_POLLABLE = Statement("tasks/find_pollable", _Id)
_CLAIM_POLLS = Statement("tasks/claim_polls", DueTask)
_RECORD_POLLS = Statement("tasks/record_polls", _Id)
_HOLD = Statement("tasks/hold", NoRow)
_COPY = Statement("tasks/copy", NoRow)
_INSERT = Statement("tasks/insert", NoRow)
_HAS_POLICIES = Statement("tasks/has_policies", _Policies)
_COUNT_STATES = Statement("tasks/count_states", TaskCounts)
_COUNT_FAILURES = Statement("tasks/count_failures", FailureCount)
_LIST = Statement("tasks/list", TaskLine)
_LOCK_PLACES = Statement("tasks/lock_places", NoRow)
_COUNT_IN_FLIGHT = Statement("tasks/count_in_flight", _Count)


def find_unclosed(
    tx: Conn, *, batch_ids: Sequence[UUID] | None = None, batch_limit: int, task_limit: int
) -> list[UnsentTask]:
    """Find and lock pending tasks of refused or cancelled batches, of all or some, each with its batch's error."""
    return _FIND_UNCLOSED.all(
        tx, batch_ids=None if batch_ids is None else list(batch_ids), batch_limit=batch_limit, task_limit=task_limit
    )


def find_overdue(tx: Conn, *, first_attempt_before: datetime, task_limit: int) -> list[UnsentTask]:
    """Find and lock pending tasks first tried before that instant."""
    return _FIND_OVERDUE.all(tx, first_attempt_before=first_attempt_before, task_limit=task_limit)


def fail_unsent(tx: Conn, unsent: Sequence[UnsentTask], *, now: datetime) -> int:
    """Fail pending tasks, each for its own reason; return how many."""
    return _FAIL_UNSENT.run(
        tx,
        ids=[task.id for task in unsent],
        failure_types=[task.failure_type for task in unsent],
        errors=[task.error for task in unsent],
        now=now,
    )


def find_startable(tx: Conn, shares: Mapping[UUID, int], *, pass_started_at: datetime, now: datetime) -> list[UUID]:
    """Find and lock so many due tasks of each batch as `shares` says, none that this pass has tried."""
    rows = _FIND_STARTABLE.all(
        tx,
        batch_ids=list(shares),
        counts=list(shares.values()),
        pass_started_at=pass_started_at,
        now=now,
    )
    return [row.id for row in rows]


def start(tx: Conn, ids: Sequence[UUID], *, provider_host: str, now: datetime) -> list[ClaimedTask]:
    """Claim locked tasks for sending to the provider at that address."""
    return _START.all(tx, ids=ids, provider_host=provider_host, now=now)


def find_claimed(tx: Conn, ids: Iterable[UUID], *, claimed_at: datetime) -> set[UUID]:
    """Find which of these tasks are claimed for sending since exactly then."""
    return {row.id for row in _FIND_CLAIMED.all(tx, ids=list(ids), claimed_at=claimed_at)}


def record_submissions(tx: Conn, records: Sequence[SubmissionRecord], *, now: datetime) -> set[UUID]:
    """Write what became of submissions; return the tasks that were still claimed by them."""
    rows = _RECORD_SUBMISSIONS.all(
        tx,
        ids=[r.id for r in records],
        attempts=[r.attempts for r in records],
        statuses=[r.status for r in records],
        remote_ids=[r.remote_id for r in records],
        next_poll_ats=[r.next_poll_at for r in records],
        next_retry_ats=[r.next_retry_at for r in records],
        submit_errors=[r.submit_errors for r in records],
        submit_defers=[r.submit_defers for r in records],
        resubmits=[r.resubmits for r in records],
        blocked_bys=[r.blocked_by for r in records],
        unknown_sinces=[r.unknown_since for r in records],
        last_errors=[r.last_error for r in records],
        error_messages=[r.error_message for r in records],
        failure_types=[r.failure_type for r in records],
        failure_reasons=[r.failure_reason for r in records],
        hold_reasons=[r.hold_reason for r in records],
        now=now,
    )
    return {row.id for row in rows}


def find_orphans(
    tx: Conn, *, claimed_before: datetime, unknown_before: datetime, first_attempt_before: datetime, task_limit: int
) -> list[ClaimedTask]:
    """Find and lock tasks without a provider id whose claim, time in doubt, or deadline while in doubt, is over."""
    return _FIND_ORPHANS.all(
        tx,
        claimed_before=claimed_before,
        unknown_before=unknown_before,
        first_attempt_before=first_attempt_before,
        task_limit=task_limit,
    )


def find_expired(tx: Conn, *, max_poll_count: int, first_attempt_before: datetime, task_limit: int) -> list[UUID]:
    """Find and lock tasks at the provider that used up their polls or were first tried before that instant."""
    rows = _FIND_EXPIRED.all(
        tx, max_poll_count=max_poll_count, first_attempt_before=first_attempt_before, task_limit=task_limit
    )
    return [row.id for row in rows]


def expire_polled(
    tx: Conn, ids: Sequence[UUID], *, max_poll_count: int, max_poll_count_error: str, now: datetime
) -> list[ExpiredTask]:
    """Fail locked tasks at the provider, for their polls if those are used up, else for their deadline."""
    return _EXPIRE_POLLED.all(
        tx, ids=ids, max_poll_count=max_poll_count, max_poll_count_error=max_poll_count_error, now=now
    )


def find_pollable(tx: Conn, *, task_limit: int, asked_before: datetime, now: datetime) -> list[UUID]:
    """Find and lock due tasks that were last asked for before `asked_before`, the longest due first."""
    return [row.id for row in _FIND_POLLABLE.all(tx, task_limit=task_limit, asked_before=asked_before, now=now)]


def claim_polls(tx: Conn, ids: Sequence[UUID], *, lease_until: datetime, now: datetime) -> list[DueTask]:
    """Claim locked tasks for a poll."""
    return _CLAIM_POLLS.all(tx, ids=ids, lease_until=lease_until, now=now)


def record_polls(tx: Conn, records: Sequence[PollRecord], *, now: datetime) -> set[UUID]:
    """Write what the provider answered; return the tasks to which it still applied."""
    rows = _RECORD_POLLS.all(
        tx,
        ids=[r.id for r in records],
        remote_ids=[r.remote_id for r in records],
        expected_poll_counts=[r.expected_poll_count for r in records],
        expected_poll_errors=[r.expected_poll_errors for r in records],
        statuses=[r.status for r in records],
        poll_counts=[r.poll_count for r in records],
        poll_errors=[r.poll_errors for r in records],
        progresses=[r.progress for r in records],
        next_poll_ats=[r.next_poll_at for r in records],
        video_urls=[r.video_url for r in records],
        last_errors=[r.last_error for r in records],
        error_messages=[r.error_message for r in records],
        failure_types=[r.failure_type for r in records],
        failure_reasons=[r.failure_reason for r in records],
        now=now,
    )
    return {row.id for row in rows}


def hold(tx: Conn, reasons: Sequence[tuple[UUID, str]], *, now: datetime) -> int:
    """Put tasks on hold; return how many were not yet."""
    return _HOLD.run(tx, ids=[task_id for task_id, _ in reasons], reasons=[text for _, text in reasons], now=now)


def lock_places(tx: Conn) -> None:
    """Wait until no other worker is taking places at the provider."""
    _LOCK_PLACES.run(tx)


def count_in_flight(tx: Conn) -> int:
    """Count the tasks in flight over the whole database."""
    return _COUNT_IN_FLIGHT.one(tx).count


def copy(tx: Conn, new: Iterable[NewTask], *, user_id: UUID, batch_id: UUID, first_index: int, now: datetime) -> int:
    """Add tasks to a batch that is being enqueued, as a stream; return how many there were."""
    return _COPY.copy(
        tx,
        (
            (
                user_id,
                batch_id,
                index,
                task.prompt,
                task.model or DEFAULT_MODEL,
                task.reference_url,
                task.aspect_ratio,
                task.duration,
                task.size,
                None if task.meta is None else json.dumps(task.meta),
                now,
                now,
            )
            for index, task in enumerate(new, first_index)
        ),
    )


def insert(tx: Conn, new: Iterable[NewTask], *, user_id: UUID, batch_id: UUID, first_index: int, now: datetime) -> int:
    """Do what `copy` does where row policies apply, which no stream gets through."""
    some = list(new)
    return _INSERT.run(
        tx,
        user_id=user_id,
        batch_id=batch_id,
        batch_indexes=list(range(first_index, first_index + len(some))),
        prompts=[task.prompt for task in some],
        models=[task.model or DEFAULT_MODEL for task in some],
        reference_urls=[task.reference_url for task in some],
        aspect_ratios=[task.aspect_ratio for task in some],
        durations=[task.duration for task in some],
        sizes=[task.size for task in some],
        metas=[None if task.meta is None else json.dumps(task.meta) for task in some],
        now=now,
    )


def has_policies(tx: Conn) -> bool:
    """Say whether row policies apply to this role's tasks."""
    return _HAS_POLICIES.one(tx).has_policies


def count_states(tx: Conn, batch_id: UUID, *, now: datetime) -> TaskCounts:
    """Count the tasks of a batch by what they wait for; what has no time set is due `now`."""
    return _COUNT_STATES.one(tx, batch_id=batch_id, now=now)


def count_failures(tx: Conn, batch_id: UUID) -> list[FailureCount]:
    """Count the failed tasks of a batch by type."""
    return _COUNT_FAILURES.all(tx, batch_id=batch_id)


def list_of(tx: Conn, batch_id: UUID, *, status: TaskStatus | None, task_limit: int) -> list[TaskLine]:
    """List the first tasks of a batch, all or those in one state."""
    return _LIST.all(tx, batch_id=batch_id, status=status, task_limit=task_limit)
