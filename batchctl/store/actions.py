"""Statements on operator_actions."""

import json
from datetime import datetime
from uuid import UUID

from batchctl.domain.action import ActionLine, Command, Outcome, Tally
from batchctl.statement import Conn, NoRow, Statement

_BEGIN = Statement("actions/begin", NoRow)
_END = Statement("actions/end", NoRow)
_LIST = Statement("actions/list", ActionLine)


def begin(tx: Conn, action_id: UUID, command: Command, *, now: datetime) -> None:
    """Write down that an operator begins to change something."""
    _BEGIN.run(
        tx,
        id=action_id,
        os_user=command.os_user,
        host=command.host,
        command=command.name,
        arguments=json.dumps(command.arguments),
        reason=command.reason,
        now=now,
    )


def end(tx: Conn, action_id: UUID, tally: Tally, outcome: Outcome, error: str | None, *, now: datetime) -> None:
    """Write down what came of it, once."""
    _END.run(
        tx,
        id=action_id,
        matched_count=tally.matched_count,
        changed_count=tally.changed_count,
        credits=tally.credits,
        outcome=str(outcome),
        error=error,
        now=now,
    )


def list_newest(
    tx: Conn,
    *,
    since: datetime | None,
    until: datetime | None,
    os_user: str | None,
    command: str | None,
    action_limit: int,
) -> list[ActionLine]:
    """List actions, the newest first; `command` may be a group, such as `batch`."""
    return _LIST.all(tx, since=since, until=until, os_user=os_user, command=command, action_limit=action_limit)
