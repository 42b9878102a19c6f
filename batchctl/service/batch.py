"""Batches for operators: the list of them, and all about one."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from batchctl.domain.batch import BatchStatus
from batchctl.domain.batch_page import BatchDetail, BatchList, BatchShow, Wanted
from batchctl.domain.delivery import receiver
from batchctl.domain.problem import Problem
from batchctl.domain.task import TaskStatus
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import batches, ledger, tasks

FAILED_TASKS = 5
"""So many failed tasks are shown as examples."""
LEDGER_ROWS = 100
"""A batch has four at most; the original worker's may have more."""
DELIVERIES = 100
TRIES = 1000
"""Of each delivery, the newest."""


def list_newest(world: World, wanted: Wanted, limit: int) -> BatchList:
    """List the newest batches that are wanted, `limit` at most."""
    found = world.db.ask(lambda tx: batches.list_newest(tx, wanted, batch_limit=limit + 1))
    return BatchList(batches=tuple(found[:limit]), more=len(found) > limit)


def show(world: World, batch_id: UUID, *, task_limit: int | None = None) -> BatchShow:
    """Return all about a batch as it is at one moment, with its first tasks where `task_limit` says how many.

    Raises Problem where there is no such batch any more.
    """
    now = world.clock()
    return world.db.survey(lambda tx: _show(tx, batch_id, task_limit, world.limits.incomplete_timeout, now))


def _show(tx: Conn, batch_id: UUID, task_limit: int | None, patience: timedelta, now: datetime) -> BatchShow:
    found = batches.show(tx, batch_id)
    if found is None:
        message = f"there is no batch {batch_id} any more"
        raise Problem(message)
    batch = replace(found, receiver=receiver(found.receiver) if found.receiver else None)
    entries = ledger.list_of_batch(tx, batch_id, entry_limit=LEDGER_ROWS)
    frozen = {"permanent": 0, "bonus": 0}
    for entry in entries:
        if entry.ref_type == "batch_upfront" and entry.bucket in frozen:
            frozen[entry.bucket] -= entry.credits_delta
    deliveries = batches.deliveries(tx, batch_id, delivery_limit=DELIVERIES)
    task_list = None if task_limit is None else tasks.list_of(tx, batch_id, status=None, task_limit=task_limit)
    return BatchShow(
        as_of=now,
        batch=batch,
        fill_until=_fill_until(batch, patience),
        tasks=tasks.count_states(tx, batch_id, now=now),
        failures=tuple(tasks.count_failures(tx, batch_id)),
        failed_tasks=tuple(tasks.list_of(tx, batch_id, status=TaskStatus.FAILED, task_limit=FAILED_TASKS)),
        frozen_permanent=frozen["permanent"],
        frozen_bonus=frozen["bonus"],
        credits_refunded=sum(entry.credits_delta for entry in entries if entry.ref_type == "batch_refund"),
        ledger=tuple(entries),
        deliveries=tuple(replace(one, receiver=receiver(one.receiver)) for one in deliveries),
        tries=tuple(batches.tries(tx, [delivery.id for delivery in deliveries], try_limit=TRIES)),
        task_list=None if task_list is None else tuple(task_list),
    )


def _fill_until(batch: BatchDetail, patience: timedelta) -> datetime | None:
    """Say how long a queued batch may miss tasks: from the later of both instants (contract §1)."""
    began = max((at for at in (batch.created_at, batch.enqueued_at) if at is not None), default=None)
    return began + patience if batch.status is BatchStatus.QUEUED and began is not None else None
