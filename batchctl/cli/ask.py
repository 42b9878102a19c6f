"""Whoever changes something by hand is asked first, and what was called is written down."""

import shlex
import socket
import sys
from typing import TYPE_CHECKING, cast

import typer
from typer._click.globals import get_current_context  # typer has no public name for it

from batchctl.domain.delivery import receiver
from batchctl.domain.new_task import is_storable
from batchctl.domain.problem import Problem, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchctl.domain.action import Command

LONGEST_REASON = 500
LONGEST_WORD = 200
"""So much of an argument is written down."""
LEFT_OUT = {"json", "form", "yes", "dry_run", "reason", "no_trunc", "secret_file", "file"}
"""Parameters that say nothing about what is changed, or that name a file of the operator's own."""


def sure(question: str, *, yes: bool) -> None:
    """Return when what `question` describes is wanted: after --yes, or after a person said so.

    Raises UsageProblem where nobody can be asked, with the command that needs no answer; Problem when it is not wanted.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        root = get_current_context().find_root()
        again = f"{root.info_name} {shlex.join([*root.obj.arguments, '--yes'])}"
        raise UsageProblem(f"{question} Nobody can be asked here; to do it: {again}")
    if not typer.confirm(question, err=True):
        raise Problem("nothing was changed")


def called(reason: str | None = None) -> "Command":
    """Return what is being called, by whom, for the record; of addresses only the host, for the rest may hold keys.

    Raises UsageProblem for a reason that cannot be written down.
    """
    from batchctl.cli.desk import os_user
    from batchctl.domain.action import Command

    if reason is not None and not (reason.strip() and len(reason) <= LONGEST_REASON and is_storable(reason)):
        raise UsageProblem(f"--reason must be text of 1 to {LONGEST_REASON} characters")
    context = get_current_context()
    nothing: tuple[object, ...] = (None, False, [], ())
    given = {name: value for name, value in context.params.items() if name not in LEFT_OUT and value not in nothing}
    return Command(
        os_user=os_user(),
        host=socket.gethostname(),
        name=context.command_path.removeprefix(str(context.find_root().info_name)).strip(),
        arguments={name.rstrip("_"): _plain(value) for name, value in given.items()},
        reason=reason,
    )


def _plain(value: object) -> "str | int | bool | list[str]":
    if isinstance(value, (int, bool)):
        return value
    if isinstance(value, (list, tuple)):
        return [str(_plain(item)) for item in cast("Sequence[object]", value)]
    text = str(value).encode("utf-8", "replace").decode().replace("\0", "")
    return f"{receiver(text)[:LONGEST_WORD]}/…" if "://" in text else text[:LONGEST_WORD]
