"""Tasks for operators: the list of them, and all about one."""

from uuid import UUID

from batchctl.domain.problem import Problem
from batchctl.domain.task_page import TaskList, TaskShow, WantedTasks
from batchctl.service.world import World
from batchctl.store import task_desk


def list_newest(world: World, wanted: WantedTasks, limit: int) -> TaskList:
    """List the tasks that are wanted, those of the newest batch first, `limit` at most."""
    found = world.db.ask(lambda tx: task_desk.find(tx, wanted, task_limit=limit + 1))
    return TaskList(tasks=tuple(found[:limit]), more=len(found) > limit)


def show(world: World, task_id: UUID) -> TaskShow:
    """Return all about a task as it is now; Problem where no batch has such a task any more."""
    now = world.clock()
    task = world.db.ask(lambda tx: task_desk.show(tx, task_id))
    if task is None:
        message = f"there is no task {task_id} any more"
        raise Problem(message)
    return TaskShow(as_of=now, task=task)
