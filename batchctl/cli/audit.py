"""`batchctl audit`."""

from typing import Annotated

import typer

from batchctl.cli import output
from batchctl.cli.desk import at_desk
from batchctl.cli.options import Json, Output, Since


def audit(
    *,
    since: Since = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Run this check, by its name or code (m2); can be repeated."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, metavar="N", help="Name so many offenders of each check.")
    ] = 5,
    names: Annotated[
        bool, typer.Option("--list", metavar="", help="Say which checks there are; needs no database.")
    ] = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Look for whatever must never be: money that does not add up, states that contradict each other. Changes nothing.

    Exit code 1 when something is found. Safe while workers run. --since 2d looks at batches that are open or ended
    since then, and at customers whose credits moved: for a cron line on a large database.
    """
    from batchctl.domain.moment import moment
    from batchctl.domain.problem import Problem
    from batchctl.render import audit as render
    from batchctl.service import audit as service

    shape = output.chosen(form, json=json)
    chosen = service.checks(only or ())
    if names:
        output.give(chosen, lambda: [render.listed(chosen)], shape)
        return
    with at_desk() as world:
        moved_since = None if since is None else moment(since, world.clock())
        report = service.audit(world, chosen.checks, since=moved_since, offender_limit=limit)
    page = render.page if shape is output.Form.TABLE else render.lines
    output.give(report, lambda: page(report), shape)
    if report.found:
        raise Problem(render.summary(report))
