"""Enqueueing a batch and its tasks, in one transaction, as an application would."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from uuid import UUID

from batchctl.domain.batch_page import CreateReport
from batchctl.domain.new_task import DEFAULT_MODEL, FIELDS, NewTask, is_storable
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.domain.quote import Quote, quote
from batchctl.service.asked import asked_for
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import batches, requests, tasks, wallets
from batchctl.store.requests import EnqueuedBatch

LONGEST_REQUEST_ID = 200
COMPARED_AT_ONCE = 10_000
TASKS_AT_ONCE = 50_000
"""In one statement, so that none lasts long enough to be cut off, however large the batch is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """A batch as it was asked for."""

    tasks: Sequence[NewTask]
    user_id: UUID
    cost_per_video: int
    webhook_url: str | None
    request_id: str | None


class _RepeatedError(Exception):
    """The request id is taken; what the transaction wrote is undone."""


def create(
    world: World,
    new: Sequence[NewTask],
    *,
    user_id: UUID,
    cost_per_video: int,
    webhook_url: str | None = None,
    request_id: str | None = None,
    dry_run: bool = False,
    watch: Callable[[Iterable[NewTask]], Iterable[NewTask]] = iter,
) -> CreateReport:
    """Enqueue a batch for a customer at so many credits a task; with `dry_run` only say what that would mean.

    A request id enqueues once: repeated, it gives the batch that it stands for. `watch` sees the tasks as they are
    written. Raises UsageProblem for an order that cannot be, Problem when the request id stands for another batch or
    the database refuses this one.
    """
    order = _Order(
        tasks=new, user_id=user_id, cost_per_video=cost_per_video, webhook_url=webhook_url, request_id=request_id
    )
    _check(world, order)
    now = world.clock()
    if earlier := world.db.ask(lambda tx: _earlier(tx, order)):
        return _repeated(world, order, earlier, now)
    if dry_run:
        return _report(order, None, world.db.ask(lambda tx: _quote(tx, order, now)))
    try:
        made: list[UUID] = []
        look = f"`batchctl batch list --user {user_id}` shows it"
        with asked_for("the batch", look=look, find=lambda: _find(world, made)):
            batch_id, price = world.db.transact(lambda tx: _write(tx, order, now, watch, made))
    except _RepeatedError:
        earlier = world.db.ask(lambda tx: _earlier(tx, order))
        if earlier is None:
            raise Problem("the batch of this request id was deleted at this moment: try again") from None
        return _repeated(world, order, earlier, now)
    return _report(order, batch_id, price)


def _check(world: World, order: _Order) -> None:
    if order.webhook_url is not None and (refusal := world.courier.refusal(order.webhook_url)):
        message = f"--webhook-url: {refusal}"
        raise UsageProblem(message)
    if order.request_id is not None and not is_request_id(order.request_id):
        message = f"--request-id must be text of 1 to {LONGEST_REQUEST_ID} characters"
        raise UsageProblem(message)
    if len(order.tasks) * order.cost_per_video > world.db.ask(batches.most_credits):
        message = f"{len(order.tasks)} tasks at {order.cost_per_video} credits are more than a batch can hold"
        raise UsageProblem(message)


def is_request_id(text: str) -> bool:
    """Say whether a text can be a request id: not blank, storable, at most 200 characters."""
    return 0 < len(text) <= LONGEST_REQUEST_ID and not text.isspace() and is_storable(text)


def _write(
    tx: Conn,
    order: _Order,
    now: datetime,
    watch: Callable[[Iterable[NewTask]], Iterable[NewTask]],
    made: list[UUID],
) -> tuple[UUID, Quote]:
    """Write the batch, and note its id in `made` as soon as it has one."""
    price = _quote(tx, order, now)
    batch_id = batches.insert(
        tx,
        user_id=order.user_id,
        total_count=len(order.tasks),
        cost_per_video=order.cost_per_video,
        webhook_url=order.webhook_url,
        now=now,
    )
    made[:] = [batch_id]
    add = tasks.insert if tasks.has_policies(tx) else tasks.copy
    stream = iter(watch(order.tasks))
    for first_index in range(0, len(order.tasks), TASKS_AT_ONCE):
        some = islice(stream, TASKS_AT_ONCE)
        add(tx, some, user_id=order.user_id, batch_id=batch_id, first_index=first_index, now=now)
    # Last, so that another one with the same request id waits for this commit only, and not for all the tasks.
    if order.request_id is not None and not requests.insert(
        tx, user_id=order.user_id, request_id=order.request_id, batch_id=batch_id, now=now
    ):
        raise _RepeatedError
    return batch_id, price


def _find(world: World, made: Sequence[UUID]) -> str | None:
    """Name the batch if it is there."""
    if made and world.db.ask(lambda tx: batches.pick(tx, made[0], made[0], batch_limit=1)):
        return f"batch {made[0]}"
    return None


def _quote(tx: Conn, order: _Order, now: datetime) -> Quote:
    return quote(order.tasks, order.cost_per_video, wallets.find(tx, order.user_id), now)


def _earlier(tx: Conn, order: _Order) -> EnqueuedBatch | None:
    return None if order.request_id is None else requests.find(tx, order.user_id, order.request_id)


def _repeated(world: World, order: _Order, earlier: EnqueuedBatch, now: datetime) -> CreateReport:
    """Give the batch that a request id stands for; Problem when it is another one than is asked for now."""
    compared = {
        "the number of tasks": (earlier.total_count, len(order.tasks)),
        "the cost per video": (earlier.cost_per_video, order.cost_per_video),
    }
    differing = [f"{what} {then}, not {asked}" for what, (then, asked) in compared.items() if then != asked]
    if earlier.webhook_url != order.webhook_url:
        differing.append("another webhook address")
    if not differing:
        differing += _differing_task(world, order, earlier.id)
    if differing:
        message = (
            f"the request id stands for batch {earlier.id}, and that one has {', '.join(differing)}: "
            "nothing was written; take another request id for another batch"
        )
        raise Problem(message)
    price = world.db.ask(lambda tx: _quote(tx, order, now))
    return _report(order, earlier.id, price, already_enqueued=True)


def _differing_task(world: World, order: _Order, batch_id: UUID) -> Iterator[str]:
    """Name the first task that is not what it was; one that is no longer there is what it was."""
    for first in range(0, len(order.tasks), COMPARED_AT_ONCE):
        read = partial(requests.find_tasks, batch_id=batch_id, first_index=first, task_limit=COMPARED_AT_ONCE)
        for then in world.db.ask(read):
            asked = order.tasks[then.batch_index]
            asked = replace(asked, model=asked.model or DEFAULT_MODEL)
            if names := [name for name in FIELDS if getattr(then, name) != getattr(asked, name)]:
                yield f"another {' and '.join(names)} in task {then.batch_index + 1}"
                return


def _report(order: _Order, batch_id: UUID | None, price: Quote, *, already_enqueued: bool = False) -> CreateReport:
    return CreateReport(
        batch_id=batch_id,
        already_enqueued=already_enqueued,
        user_id=order.user_id,
        total_count=price.total_count,
        cost_per_video=price.cost_per_video,
        required_credits=price.required_credits,
        available_credits=price.available_credits,
        missing_credits=price.missing_credits,
    )
