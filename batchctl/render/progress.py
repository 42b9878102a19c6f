"""A bar for work that lasts: on stderr, for a person only, and not before a second has passed."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

PATIENCE_S = 1.0
STEP = 500
"""Items between two looks at the clock."""


def watched(items: Iterable[Item], *, what: str, total: int | None) -> Iterator[Item]:
    """Pass items on, and show how many have passed, of `total` where that is known, once it takes long."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console  # noqa: PLC0415 - loaded for a person who waits only
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=total)
    began_s = time.monotonic()
    try:
        for number, item in enumerate(items):
            if number % STEP == 0:
                if not bar.live.is_started and time.monotonic() - began_s > PATIENCE_S:
                    bar.start()
                bar.update(task, completed=number)
            yield item
    finally:
        if bar.live.is_started:
            bar.stop()
