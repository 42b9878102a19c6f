"""`batchctl history`."""

from typing import Annotated

import typer

from batchctl.cli import output
from batchctl.cli.desk import at_desk
from batchctl.cli.options import Json, NoTrunc, Output, Since, Until
from batchctl.domain.problem import UsageProblem

MOST = 10_000


def history(
    *,
    since: Since = None,
    until: Until = None,
    os_user: Annotated[
        str | None, typer.Option("--os-user", metavar="NAME", help="By this account of the system.")
    ] = None,
    command: Annotated[
        str | None, typer.Option("--command", metavar="NAME", help="By this command (`batch cancel`) or group (batch).")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MOST, metavar="N", help="At most so many, the newest.")
    ] = 50,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """List what operators changed by hand: who, when, why, and what came of it."""
    from batchctl.domain.moment import window
    from batchctl.domain.new_task import is_storable
    from batchctl.render.history import table
    from batchctl.service import actions

    shape = output.chosen(form, json=json)
    if not all(is_storable(text or "") for text in (os_user, command)):
        raise UsageProblem("--os-user and --command must be text")
    with at_desk() as world:
        begin, end = window(since, until, world.clock())
        report = actions.list_newest(world, since=begin, until=end, os_user=os_user, command=command, limit=limit)
    output.give(report, lambda: [table(report)], shape, nothing="nothing was changed by hand", whole_ids=no_trunc)
    if report.more:
        output.write_error(f"{limit} shown, more match: --limit N shows more")
