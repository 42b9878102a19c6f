"""The table of what operators changed."""

import shlex

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
        spare=("MATCHED", "CREDITS"),
    )


def _command(action: ActionLine) -> str:
    return " ".join([action.command, *(shlex.quote(f"{name}={value}") for name, value in action.arguments.items())])
