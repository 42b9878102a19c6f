"""What an operator means by ids or by a selector, the same for whoever looks and for whoever acts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.batch import BatchStatus
from batchctl.domain.batch_page import Wanted
from batchctl.domain.failure import FailureType
from batchctl.domain.moment import moment
from batchctl.domain.new_task import is_storable
from batchctl.domain.problem import UsageProblem
from batchctl.domain.task import TaskStatus
from batchctl.domain.task_page import WantedTasks
from batchctl.service.pick import pick, pick_one
from batchctl.service.world import World
from batchctl.store import task_desk

IDS_OR_SELECTOR = "name ids, or write a selector (--since and what else narrows), but not both"
BOUND = "say which: name ids, or write --since TIME and whatever else narrows it (with --dry-run to see them first)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """What both kinds of selectors share, as it was written; what is None or False narrows nothing."""

    since: str | None = None
    until: str | None = None
    user_id: UUID | None = None
    model: str | None = None
    failure_type: FailureType | None = None
    only_held: bool = False

    @property
    def is_empty(self) -> bool:
        """Say whether it narrows nothing."""
        return self == Selector()


def select_batches(
    world: World,
    written: Sequence[str],
    selector: Selector,
    statuses: Sequence[BatchStatus] = (),
    *,
    to_act: bool = False,
) -> Wanted:
    """Return the batches that are meant: those named by ids or their beginnings, else those that a selector finds.

    Raises UsageProblem for ids beside a selector, and where somebody is `to_act` on what is bounded by neither.
    """
    if written and not (selector.is_empty and not statuses):
        raise UsageProblem(IDS_OR_SELECTOR)
    if to_act and not written and selector.since is None:
        raise UsageProblem(BOUND)
    if written:
        return Wanted(ids=tuple(pick(world.db, written)))
    _need_storable("--model", selector.model)
    since, until = _window(world, selector)
    return Wanted(
        statuses=tuple(dict.fromkeys(statuses)),
        user_id=selector.user_id,
        since=since,
        until=until,
        model=selector.model,
        failure_type=selector.failure_type,
        only_held=selector.only_held,
    )


def select_tasks(
    world: World,
    written: Sequence[str],
    selector: Selector,
    statuses: Sequence[TaskStatus] = (),
    *,
    batches: Sequence[str] = (),
    provider_id: str | None = None,
    to_act: bool = False,
) -> WantedTasks:
    """Return the tasks that are meant, as `select_batches` does; those of named batches are bounded too."""
    is_narrowed = not selector.is_empty or bool(statuses) or bool(batches)
    if (written and (is_narrowed or provider_id is not None)) or (provider_id is not None and is_narrowed):
        raise UsageProblem(IDS_OR_SELECTOR)
    if to_act and not written and not batches and provider_id is None and selector.since is None:
        raise UsageProblem(f"{BOUND}, or --batch BATCH")
    if written:
        return WantedTasks(ids=tuple(dict.fromkeys(pick_task(world, text) for text in written)))
    _need_storable("--provider-id", provider_id)
    _need_storable("--model", selector.model)
    if provider_id is not None:
        return WantedTasks(provider_id=provider_id)
    since, until = _window(world, selector)
    return WantedTasks(
        batch_ids=tuple(pick(world.db, batches)) or None,
        statuses=tuple(dict.fromkeys(statuses)),
        user_id=selector.user_id,
        model=selector.model,
        failure_type=selector.failure_type,
        only_held=selector.only_held,
        since=since,
        until=until,
    )


def pick_task(world: World, text: str) -> UUID:
    """Return the task whose id is written, or begins so; UsageProblem where there is none, or several."""

    def find(first: UUID, last: UUID, limit: int) -> list[UUID]:
        return world.db.ask(lambda tx: task_desk.pick(tx, first, last, task_limit=limit))

    return pick_one(text, find, "task", "tasks", "batchctl task list")


def _need_storable(option: str, text: str | None) -> None:
    if text is not None and not is_storable(text):
        message = f"{option}: a text that no row can hold"
        raise UsageProblem(message)


def _window(world: World, selector: Selector) -> tuple[datetime | None, datetime | None]:
    now = world.clock()
    since = None if selector.since is None else moment(selector.since, now)
    until = None if selector.until is None else moment(selector.until, now)
    if since is not None and until is not None and until <= since:
        raise UsageProblem("--until must be later than --since")
    return since, until
