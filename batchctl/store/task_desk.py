"""Statements on video_tasks that operators run: finding tasks by what is known of them, trying again, deciding."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.failure import FailureType
from batchctl.domain.resolve import Resolution
from batchctl.domain.task import TaskStatus
from batchctl.domain.task_page import ListedTask, TaskDetail, WantedTasks
from batchctl.statement import Conn, NoRow, Statement

EMPTY_BATCHES = 100
"""So many batches without a task may stand between those that have some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id:
    id: UUID


_FIND_FAILED = Statement("tasks/find_failed", _Id)
_INSERT_AGAIN = Statement("tasks/insert_again", NoRow)
_FIND = Statement("tasks/find", ListedTask)
_LIST_NEWEST = Statement("tasks/list_newest", ListedTask)
_PICK = Statement("tasks/pick", _Id)
_SHOW = Statement("tasks/show", TaskDetail)
_LOCK = Statement("tasks/lock", _Id)
_FIND_OWNER = Statement("tasks/find_owner", _Id)
_RESOLVE = Statement("tasks/resolve", NoRow)


def find(tx: Conn, wanted: WantedTasks, *, task_limit: int) -> list[ListedTask]:
    """List tasks: those that are named by an id of their own or of the provider's, else those that are wanted."""
    if wanted.ids is not None or wanted.provider_id is not None:
        return _FIND.all(tx, ids=list(wanted.ids or ()), provider_id=wanted.provider_id, task_limit=task_limit)
    takes_all_of_a_batch = not (wanted.statuses or wanted.model or wanted.failure_type)
    return _LIST_NEWEST.all(
        tx,
        batch_limit=task_limit + EMPTY_BATCHES if takes_all_of_a_batch else None,
        batch_ids=None if wanted.batch_ids is None else list(wanted.batch_ids),
        statuses=_stored(wanted.statuses) or None,
        user_id=wanted.user_id,
        model=wanted.model,
        failure_type=wanted.failure_type,
        only_held=wanted.only_held,
        since=wanted.since,
        until=wanted.until,
        task_limit=task_limit,
    )


def _stored(statuses: Iterable[TaskStatus]) -> list[str]:
    """Return the words of states in the table: a legacy `queued` means pending."""
    given = [str(status) for status in statuses]
    return [*given, "queued"] if TaskStatus.PENDING in given else given


def pick(tx: Conn, first: UUID, last: UUID, *, task_limit: int) -> list[UUID]:
    """Find tasks whose ids lie between two, both included."""
    return [row.id for row in _PICK.all(tx, first=first, last=last, task_limit=task_limit)]


def show(tx: Conn, task_id: UUID) -> TaskDetail | None:
    """Return all that is known of a task; None where no batch has such a task."""
    return next(iter(_SHOW.all(tx, task_id=task_id)), None)


def find_failed(
    tx: Conn, batch_id: UUID, *, failure_type: FailureType | None, task_ids: Sequence[UUID] | None
) -> list[UUID]:
    """Find the failed tasks of a batch in order, all or chosen ones."""
    chosen = None if task_ids is None else list(task_ids)
    rows = _FIND_FAILED.all(tx, batch_id=batch_id, failure_type=failure_type, task_ids=chosen)
    return [row.id for row in rows]


def insert_again(
    tx: Conn, ids: Sequence[UUID], *, user_id: UUID, batch_id: UUID, first_index: int, now: datetime
) -> int:
    """Add copies of tasks to a batch that is being enqueued; return how many there were."""
    return _INSERT_AGAIN.run(tx, ids=list(ids), user_id=user_id, batch_id=batch_id, first_index=first_index, now=now)


def lock(tx: Conn, task_id: UUID) -> None:
    """Lock a task, waiting for whoever works on it."""
    _LOCK.all(tx, task_id=task_id)


def find_owner(tx: Conn, provider_id: str) -> UUID | None:
    """Find the task that a job of the provider serves; None where there is none."""
    return next((row.id for row in _FIND_OWNER.all(tx, provider_id=provider_id)), None)


def resolve(tx: Conn, decided: Resolution, *, now: datetime) -> int:
    """Write what an operator decided about a locked task in doubt; return 0 where it is in doubt no more."""
    return _RESOLVE.run(
        tx,
        task_id=decided.id,
        attempts=decided.attempts,
        status=decided.status,
        remote_id=decided.remote_id,
        next_poll_at=decided.next_poll_at,
        failure_type=decided.failure_type,
        error=decided.error,
        now=now,
    )
