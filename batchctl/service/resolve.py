"""Deciding by hand about a task of which nobody knows whether the provider accepted it."""

from uuid import UUID

from batchctl.domain.action import Command
from batchctl.domain.resolve import Decision, RefusedProblem, Resolution, ResolveReport, need_doubt, resolution
from batchctl.domain.task_page import TaskDetail
from batchctl.service.actions import acting
from batchctl.service.asked import asked_for
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import task_desk


def rehearse(world: World, task_id: UUID, decision: Decision, provider_id: str | None = None) -> ResolveReport:
    """Say what a decision would mean now; RefusedProblem for a task not in doubt, or an id that serves another one."""
    now = world.clock()

    def look(tx: Conn) -> ResolveReport:
        task = _doubtful(tx, task_id, provider_id)
        return _report(task, decision, resolution(task, decision, provider_id, world.limits, now), is_rehearsal=True)

    return world.db.survey(look)


def resolve(
    world: World, task_id: UUID, decision: Decision, command: Command, provider_id: str | None = None
) -> ResolveReport:
    """Decide about a task in doubt, under its lock; raises what `rehearse` raises."""
    now = world.clock()

    def decide(tx: Conn) -> ResolveReport:
        task_desk.lock(tx, task_id)
        task = _doubtful(tx, task_id, provider_id)
        decided = resolution(task, decision, provider_id, world.limits, now)
        if not task_desk.resolve(tx, decided, now=now):
            message = f"task {task_id} is no longer as it was a moment ago: look at it again"
            raise RefusedProblem(message)
        return _report(task, decision, decided, is_rehearsal=False)

    with acting(world, command) as tally:
        tally.matched_count = 1
        with asked_for("the decision", look=f"`batchctl task show {task_id}` says how it stands"):
            report = world.db.transact(decide)
        tally.changed_count = 1
    return report


def _doubtful(tx: Conn, task_id: UUID, provider_id: str | None) -> TaskDetail:
    task = task_desk.show(tx, task_id)
    if task is None:
        message = f"there is no task {task_id} any more"
        raise RefusedProblem(message)
    need_doubt(task)
    owner = None if provider_id is None else task_desk.find_owner(tx, provider_id)
    if owner is not None:
        message = f"the provider's job {provider_id!r} serves task {owner} already: a job serves one task"
        raise RefusedProblem(message)
    return task


def _report(task: TaskDetail, decision: Decision, decided: Resolution, *, is_rehearsal: bool) -> ResolveReport:
    return ResolveReport(
        is_rehearsal=is_rehearsal,
        task_id=task.id,
        batch_id=task.batch_id,
        decision=decision,
        status=decided.status,
        provider_id=decided.remote_id,
        unknown_since=task.unknown_since,
    )
