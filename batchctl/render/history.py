"""The table of what operators changed."""

import shlex
from typing import cast

from batchctl.domain.action import ActionLine, ActionList
from batchctl.render.grid import Grid


def table(report: ActionList) -> Grid:
    """Return a row for each action."""
    return Grid(
        headings=("WHEN", "WHO", "COMMAND", "MATCHED", "CHANGED", "CREDITS", "OUTCOME", "REASON"),
        rows=tuple(
            (
                action.began_at,
                f"{action.os_user}@{action.host}",
                _command(action),
                action.matched_count,
                action.changed_count,
                action.credits,
                action.outcome,
                action.error or action.reason,
            )
            for action in report.actions
        ),
        numbers=("MATCHED", "CHANGED", "CREDITS"),
        spare=("MATCHED", "CREDITS", "CHANGED"),
    )


def _command(action: ActionLine) -> str:
    return " ".join([action.command, *(shlex.quote(_argument(*argument)) for argument in action.arguments.items())])


def _argument(name: str, value: object) -> str:
    """Write an argument: of several values all, of a flag that was set the name."""
    if value is True:
        return name
    several = cast("list[object]", value) if isinstance(value, list) else [value]
    return f"{name}={','.join(map(str, several))}"
