"""Whoever changes something by hand is asked first, and what was called is written down."""

import shlex
import socket
import sys
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import typer
from typer._click.globals import get_current_context  # typer has no public name for it

from batchctl.domain.problem import Problem, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchctl.domain.action import Command

LEFT_OUT = {"json", "form", "yes", "dry_run", "reason", "no_trunc", "secret_file", "file"}
"""Parameters that say nothing about what is changed, or that name a file of the operator's own."""


def sure(question: str, *, yes: bool) -> None:
    """Return when what `question` describes is wanted: after --yes, or after a person said so.

    Raises UsageProblem where nobody can be asked, with the command that needs no answer; Problem when it is not wanted.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        again = shlex.join(["batchctl", *get_current_context().find_root().obj.arguments, "--yes"])
        raise UsageProblem(f"{question} Nobody can be asked here; to do it: {again}")
    if not typer.confirm(question, err=True):
        raise Problem("nothing was changed")


def called(reason: str | None = None) -> "Command":
    """Return what is being called, by whom, for the record; of addresses only the host, for the rest may hold keys."""
    from batchctl.cli.desk import os_user
    from batchctl.domain.action import Command

    context = get_current_context()
    given = {
        name: value for name, value in context.params.items() if name not in LEFT_OUT and value not in (None, False, [])
    }
    return Command(
        os_user=os_user(),
        host=socket.gethostname(),
        name=context.command_path.partition(" ")[2],
        arguments={name.rstrip("_"): _plain(value) for name, value in given.items()},
        reason=reason,
    )


def _plain(value: object) -> "str | int | bool | list[str]":
    if isinstance(value, (int, bool)):
        return value
    if isinstance(value, (list, tuple)):
        return [str(_plain(item)) for item in cast("Sequence[object]", value)]
    text = str(value)
    if "://" in text:
        address = urlsplit(text)
        return f"{address.scheme}://{address.hostname}/…"
    return text[:200]
