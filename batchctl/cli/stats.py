"""The group `batchctl stats`."""

from typing import Annotated

import typer

from batchctl.cli import output
from batchctl.cli.desk import at_desk
from batchctl.cli.options import Json, Since, Until
from batchctl.domain.stats import Breakdown

app = typer.Typer(help="Count what happened.", no_args_is_help=True)


@app.command()
def failures(
    *,
    since: Since = None,
    until: Until = None,
    batch: Annotated[
        list[str] | None,
        typer.Option("--batch", metavar="ID", help="Of this batch only, from its beginning on; may be repeated."),
    ] = None,
    by: Annotated[Breakdown | None, typer.Option("--by", help="One view instead of the usual page.")] = None,
    json: Json = False,
) -> None:
    """Count the tasks that finished, those that failed and why: of the last 24 hours, unless told otherwise."""
    from batchctl.service import stats as service

    with at_desk() as world:
        bucket = by.bucket if by else None
        report = service.failures(world, since=since, until=until, batches=batch or (), bucket=bucket)
    if json:
        output.write_document(report)
    else:
        from batchctl.render import stats as render

        output.show(*render.failures(report, by))
