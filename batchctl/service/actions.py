"""Keeps a record of what operators change by hand, written before they begin and completed when they are done."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from batchctl.domain.action import ActionList, Command, Outcome, Tally
from batchctl.domain.problem import Problem, RowsRejectedError
from batchctl.service.world import World
from batchctl.store import actions

LONGEST_ERROR = 500


@contextmanager
def acting(world: World, command: Command) -> Iterator[Tally]:
    """Record an action around what it changes, which counts in the tally that is given.

    The record is begun in a transaction of its own, so that one that is killed is seen as well: it stays `running`.
    """
    action_id, began_at = world.new_id(), world.clock()
    world.db.transact(lambda tx: actions.begin(tx, action_id, command, now=began_at))
    tally = Tally()

    def close(outcome: Outcome, error: str | None = None) -> None:
        ended_at = world.patient_clock()
        world.db.persist(lambda tx: actions.end(tx, action_id, tally, outcome, error, now=ended_at))

    try:
        yield tally
    except BaseException as error:
        is_told = isinstance(error, (Problem, RowsRejectedError))
        outcome = Outcome.FAILED if isinstance(error, Exception) else Outcome.INTERRUPTED
        with suppress(Problem, RowsRejectedError):  # What went wrong with the action itself is what must be told.
            close(outcome, (str(error) if is_told else type(error).__name__)[:LONGEST_ERROR])
        raise
    close(Outcome.DONE)


def list_newest(
    world: World,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    os_user: str | None = None,
    command: str | None = None,
    limit: int,
) -> ActionList:
    """List the newest actions that match, `limit` at most; `command` may be a group, such as `batch`."""
    found = world.db.ask(
        lambda tx: actions.list_newest(
            tx, since=since, until=until, os_user=os_user, command=command, action_limit=limit + 1
        )
    )
    return ActionList(actions=tuple(found[:limit]), more=len(found) > limit)
