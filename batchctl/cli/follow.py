"""`batchctl batch watch`."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from batchctl.cli import output
from batchctl.cli.desk import at_desk
from batchctl.cli.options import Json
from batchctl.cli.signals import InterruptedBySignal
from batchctl.cli.watch import LONGEST_S, SHORTEST_S, stopped_by_sigterm
from batchctl.domain.problem import UnreachableProblem

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from batchctl.domain.batch_page import BatchShow
    from batchctl.service.world import World

DUMB = {"dumb", "unknown"}
"""Terminals that show line below line and nothing else."""


def watch_batch(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="The id of a batch, or its first digits.")],
    *,
    interval: Annotated[
        float,
        typer.Option("--interval", min=SHORTEST_S, max=LONGEST_S, metavar="SECONDS", help="Between two looks."),
    ] = 2.0,
    json: Json = False,
) -> None:
    """Watch a batch until it has ended: a page in place on a terminal, else a line at each change; Ctrl-C leaves it.

    Watching changes nothing: passes go on without it. With --json it says nothing until the end, then `batch show`.
    """
    from batchctl.service.pick import pick

    try:
        with stopped_by_sigterm(), at_desk() as world:
            (batch_id,) = pick(world.db, [batch])
            if json:
                shown = _follow(world, batch_id, interval)
                output.write_document(shown)
            elif output.is_terminal() and os.environ.get("TERM") not in DUMB:
                _in_place(world, batch_id, interval)
            else:
                _line_by_line(world, batch_id, interval)
    except (KeyboardInterrupt, InterruptedBySignal):  # the desk makes the second out of the first
        output.write_error("no longer watched; the batch goes on all the same")
        raise typer.Exit(130) from None


def _in_place(world: "World", batch_id: "UUID", interval_s: float) -> None:
    """Show the page again and again; when the batch has ended it stays behind on the terminal as it was."""
    from batchctl.render.batch import page, watched
    from batchctl.render.screen import in_place
    from batchctl.service.batch import show
    from batchctl.wiring import local_clock

    shown = show(world, batch_id)
    with in_place() as draw:
        said = ""
        while not shown.has_ended:
            draw([*watched(shown), said or f"every {interval_s:g} s until it has ended"], local_clock())
            world.sleep(interval_s)
            try:
                shown, said = show(world, batch_id), ""
            except UnreachableProblem as problem:
                said = f"NOT UP TO DATE: {problem}"
    output.show_tables(*page(shown))


def _line_by_line(world: "World", batch_id: "UUID", interval_s: float) -> None:
    from batchctl.render.grid import instant
    from batchctl.render.timeline import change

    last = ""

    def tell(shown: "BatchShow") -> None:
        nonlocal last
        line = change(shown)
        if line != last:
            output.write(f"{instant(shown.as_of)} {line}")
        last = line

    _follow(world, batch_id, interval_s, tell)


def _follow(
    world: "World", batch_id: "UUID", interval_s: float, tell: "Callable[[BatchShow], None] | None" = None
) -> "BatchShow":
    """Look at a batch until it has ended; a database that is away is waited for, once it has been reached."""
    from batchctl.service.batch import show

    shown = show(world, batch_id)
    while True:
        if tell is not None:
            tell(shown)
        if shown.has_ended:
            return shown
        world.sleep(interval_s)
        try:
            shown = show(world, batch_id)
        except UnreachableProblem as problem:
            output.write_error(f"not up to date: {problem}")
