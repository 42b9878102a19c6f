"""Trying failed tasks again: a new batch for each old one, of the same customer, at the same price, told the same way.

It is queued like any other, so it is priced, paid, refused or charged like any other; the old one stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from batchctl.domain.action import Command
from batchctl.domain.batch_page import Wanted
from batchctl.domain.failure import FailureType
from batchctl.domain.quote import quote_of
from batchctl.domain.retry import RetryableBatch, RetryLine, RetryReport, report
from batchctl.domain.task import TaskStatus
from batchctl.domain.task_page import WantedTasks
from batchctl.service.actions import acting
from batchctl.service.asked import asked_for
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import batches, task_desk, wallets

TASKS_AT_ONCE = 20_000
"""In one statement, so that none lasts long enough to be cut off, however large the batch is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which failed tasks of some batches are to be tried again."""

    batch_ids: tuple[UUID, ...]
    task_ids: tuple[UUID, ...] | None = None
    """None: all of them."""
    failure_type: FailureType | None = None
    again: bool = False
    """Also those that another batch repeats already."""

    @property
    def command(self) -> str:
        """Return the command that makes such a choice."""
        return "batch.retry" if self.task_ids is None else "task.retry"


def of_batches(
    world: World, wanted: Wanted, *, failure_type: FailureType | None, again: bool, batch_limit: int
) -> Choice:
    """Choose the failed tasks of the batches that are wanted, all or those of one failure type."""
    found = world.db.ask(lambda tx: batches.list_newest(tx, wanted, batch_limit=batch_limit))
    return Choice(batch_ids=tuple(batch.id for batch in found), failure_type=failure_type, again=again)


def of_tasks(world: World, wanted: WantedTasks, *, again: bool, task_limit: int) -> tuple[Choice, list[UUID]]:
    """Choose the tasks that are wanted and failed; return also those that are wanted and did not fail."""
    found = world.db.ask(lambda tx: task_desk.find(tx, wanted, task_limit=task_limit))
    failed = [task for task in found if task.status is TaskStatus.FAILED]
    choice = Choice(
        batch_ids=tuple(dict.fromkeys(task.batch_id for task in failed)),
        task_ids=tuple(task.id for task in failed),
        again=again,
    )
    return choice, [task.id for task in found if task.status is not TaskStatus.FAILED]


def rehearse(world: World, choice: Choice) -> RetryReport:
    """Say what trying again would cost now, and what the customers have; nothing is written."""
    now = world.clock()

    def look(tx: Conn) -> list[RetryLine]:
        return [_line(tx, choice, batch, now) for batch in _weigh(tx, choice, choice.batch_ids)]

    return report(world.db.survey(look), choice.command, is_rehearsal=True)


def retry(world: World, choice: Choice, command: Command) -> RetryReport:
    """Enqueue a batch for each old one of which something can be tried again, each in a transaction of its own.

    Raises Problem when the database refuses one; those before it are enqueued, and the record says how many.
    """
    lines: list[RetryLine] = []
    with acting(world, command) as tally:
        tally.matched_count = len(choice.batch_ids)
        for batch_id in choice.batch_ids:
            now = world.clock()
            what = "the new batch" if not lines else f"the new batch, after {tally.changed_count} others"
            with asked_for(what, look=f"`batchctl batch show {batch_id}` names the batch that tries it again"):
                lines += world.db.transact(partial(_retry, choice=choice, batch_id=batch_id, now=now))
            done = report(lines, choice.command, is_rehearsal=False)
            tally.changed_count, tally.credits = done.enqueued, done.required_credits
    return report(lines, choice.command, is_rehearsal=False)


def _retry(tx: Conn, *, choice: Choice, batch_id: UUID, now: datetime) -> list[RetryLine]:
    # Whoever else tries the same batch again waits here, and then sees what was written.
    batches.lock(tx, [batch_id])
    return [
        _line(tx, choice, old, now, new_batch_id=_enqueue(tx, choice, old, now) if _is_wanted(choice, old) else None)
        for old in _weigh(tx, choice, [batch_id])
    ]


def _enqueue(tx: Conn, choice: Choice, old: RetryableBatch, now: datetime) -> UUID:
    ids = task_desk.find_failed(tx, old.id, failure_type=choice.failure_type, task_ids=choice.task_ids)
    new_id = batches.insert(
        tx,
        user_id=old.user_id,
        total_count=len(ids),
        cost_per_video=old.cost_per_video or 0,
        webhook_url=old.webhook_url,
        retry_of=old.id,
        now=now,
    )
    for first in range(0, len(ids), TASKS_AT_ONCE):
        some = ids[first : first + TASKS_AT_ONCE]
        task_desk.insert_again(tx, some, user_id=old.user_id, batch_id=new_id, first_index=first, now=now)
    return new_id


def _weigh(tx: Conn, choice: Choice, batch_ids: Sequence[UUID]) -> list[RetryableBatch]:
    return batches.weigh_retry(tx, batch_ids, failure_type=choice.failure_type, task_ids=choice.task_ids)


def _is_wanted(choice: Choice, batch: RetryableBatch) -> bool:
    return batch.left(again=choice.again) is None


def _line(
    tx: Conn, choice: Choice, batch: RetryableBatch, now: datetime, *, new_batch_id: UUID | None = None
) -> RetryLine:
    price = quote_of(
        batch.task_count,
        batch.bonus_eligible_count,
        batch.cost_per_video or 0,
        wallets.find(tx, batch.user_id),
        now,
    )
    return RetryLine(
        id=batch.id,
        user_id=batch.user_id,
        status=batch.status,
        tasks=batch.task_count,
        cost_per_video=batch.cost_per_video,
        required_credits=price.required_credits,
        available_credits=price.available_credits,
        new_batch_id=new_batch_id,
        left=batch.left(again=choice.again),
    )
