"""How an operator's command begins: settings, world, a schema that is up to date; and who is at the desk."""

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from batchctl.cli.signals import interruptible

if TYPE_CHECKING:
    from batchctl.service.world import World


@contextmanager
def at_desk() -> "Iterator[World]":
    """Give the world as the settings say; ConfigProblem when a setting is wrong or the schema is not migrated."""
    from batchctl.service.migrate import need_migrated
    from batchctl.settings import read_settings
    from batchctl.wiring import open_world

    with interruptible(), open_world(read_settings()) as world:
        need_migrated(world.db)
        yield world


def os_user() -> str:
    """Name the account of who is at the desk, as far as the system tells."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # no such account, as in many containers
        name = str(os.getuid())
    return name.encode("utf-8", "replace").decode()[:100]


def operator() -> str:
    """Name who is at the desk: user@host."""
    return f"{os_user()}@{socket.gethostname()}".encode("utf-8", "replace").decode()[:200]
