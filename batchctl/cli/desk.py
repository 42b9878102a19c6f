"""How an operator's command begins: settings, world, a schema that is up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchctl.service.world import World


@contextmanager
def at_desk() -> "Iterator[World]":
    """Give the world as the settings say; ConfigProblem when a setting is wrong or the schema is not migrated."""
    from batchctl.service.migrate import need_migrated
    from batchctl.settings import read_settings
    from batchctl.wiring import open_world

    with open_world(read_settings()) as world:
        need_migrated(world.db)
        yield world
