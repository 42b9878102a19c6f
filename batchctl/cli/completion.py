"""`batchctl completion`: scripts for shells, and the answers that they ask the program for."""

import os
import threading
from collections.abc import Sequence
from contextlib import redirect_stderr
from enum import StrEnum
from io import StringIO
from typing import Annotated, Any

import typer

from batchctl.cli import output

VARIABLE = "_BATCHCTL_COMPLETE"
"""Set by the scripts: then what could be typed next is asked for, and no command is run."""
PATIENCE_S = 1.0
"""Who presses the key does not wait longer; then there is no answer."""
MOST = 50
BATCH = "BATCH"
"""What stands for ids of batches in the help."""


class Shell(StrEnum):
    """Shells that are known."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]) -> None:
    """Print what a shell needs to complete commands, options, states and the ids of open batches.

    Ids come from the database that BATCHCTL_DATABASE_URL names in that shell; without one nothing is completed there.
    """
    from typer._completion_shared import get_completion_script  # typer has no public name for it

    output.write(get_completion_script(prog_name="batchctl", complete_var=VARIABLE, shell=shell))


def is_asked() -> bool:
    """Say whether a shell asks what could be typed next."""
    return VARIABLE in os.environ


def answer(command: Any) -> int:  # noqa: ANN401 - typer names no class for it
    """Write what could be typed next, and nothing else whatever goes wrong."""
    from typer._completion_classes import completion_init  # typer has no public name for it

    from batchctl.cli.guide import leaves

    completion_init()
    for _, leaf in leaves(command):
        for parameter in leaf.params:
            if str(parameter.metavar or "").strip("[].") == BATCH:
                parameter._custom_shell_complete = _batches  # noqa: SLF001 - typer takes it from the declaration only
    patience = threading.Timer(PATIENCE_S, os._exit, [0])
    patience.daemon = True
    patience.start()
    try:
        with redirect_stderr(StringIO()):
            command(prog_name="batchctl", args=[])
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except Exception:  # noqa: BLE001 - who presses the key wants no traceback between the words
        return 0
    finally:
        patience.cancel()
    return 0


def _batches(_context: object, _parameter: object, begun: str) -> Sequence[Any]:
    """Return the ids of open batches that begin so, the newest first, with how they stand."""
    from typer._click.shell_completion import CompletionItem  # typer has no public name for it

    from batchctl.embedded import embedded_directory
    from batchctl.service.completion import open_batches
    from batchctl.settings import read_settings
    from batchctl.wiring import open_database

    settings = read_settings()
    if embedded_directory(settings.need_database_url()) is not None:  # It would have to be started first.
        return []
    with open_database(settings, session={"statement_timeout": "1s"}) as db:
        found = open_batches(db, begun, limit=MOST)
    return [CompletionItem(str(one.id), help=f"{one.status} {one.succeeded_count}/{one.task_count}") for one in found]
