"""The group `batchctl webhook`."""

from typing import TYPE_CHECKING, Annotated

import typer

from batchctl.cli import output
from batchctl.cli.desk import at_desk
from batchctl.cli.options import Deadline, Json, Since, Until
from batchctl.cli.signals import graceful_stop
from batchctl.cli.stage import run_stage
from batchctl.domain.problem import UsageProblem

if TYPE_CHECKING:
    from batchctl.domain.resend import ResendReport, Window
    from batchctl.service.world import World

app = typer.Typer(help="Tell customers what became of their batches.", no_args_is_help=True)

LIMIT = 1000


@app.command()
def deliver(*, deadline: Deadline = None, json: Json = False) -> None:
    """Try the deliveries that are due, with their quick retries."""
    from batchctl.service.webhooks import deliver as stage

    run_stage("webhook", stage, deadline_s=deadline, as_json=json)


@app.command()
def resend(
    batches: Annotated[
        list[str] | None, typer.Argument(metavar="BATCH", help="Ids of batches, or their first digits.")
    ] = None,
    *,
    failed: Annotated[
        bool, typer.Option("--failed", metavar="", help="Those that were given up, by when they were last tried.")
    ] = False,
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=1, metavar="N", help=f"With --failed: at most so many, those tried longest ago ({LIMIT})."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Send and write nothing; show what would be sent.")
    ] = False,
    json: Json = False,
) -> None:
    """Tell customers once more: the same event and webhook-id, signed anew, to the address that is valid today.

    Each delivery is tried once, now, whatever became of it before, and without quick retries.

    A batch that ended and was never told is told from the books. Exits 1 when one was not delivered.
    """
    from batchctl.service.pick import pick
    from batchctl.service.resend import rehearse
    from batchctl.service.resend import resend as send

    _check(batches, (since, until, limit), failed=failed)
    with graceful_stop() as stop, at_desk() as world:
        chosen = pick(world.db, batches) if batches else _window(world, since or "", until, limit)
        report = rehearse(world, chosen) if dry_run else send(world, chosen, stop.is_asked)
        _show(report, as_json=json)
    output.close_with(report.findings)


def _check(batches: list[str] | None, window: tuple[object, ...], *, failed: bool) -> None:
    """Raise UsageProblem for a selection that is none, or that is two."""
    if batches and failed:
        raise UsageProblem("name batches, or write --failed --since TIME, but not both")
    if not batches and not failed:
        raise UsageProblem("say what to resend: the ids of batches, or --failed --since TIME")
    if failed and window[0] is None:
        raise UsageProblem("--failed needs --since TIME: how far back, such as --since 2h")
    if batches and any(value is not None for value in window):
        raise UsageProblem("--since, --until and --limit go with --failed, not with ids of batches")


def _window(world: "World", since: str, until: str | None, limit: int | None) -> "Window":
    from batchctl.domain.moment import moment
    from batchctl.domain.resend import Window

    now = world.clock()
    window = Window(since=moment(since, now), until=None if until is None else moment(until, now), limit=limit or LIMIT)
    if window.until is not None and window.until <= window.since:
        raise UsageProblem("--until must be later than --since")
    return window


def _show(report: "ResendReport", *, as_json: bool) -> None:
    from batchctl.render.resend import lines, table

    if report.matched > len(report.deliveries):
        output.write_error(
            f"{report.matched} match; these are the {len(report.deliveries)} that were tried longest ago:"
            " run it again for the next ones, or raise --limit"
        )
    if as_json:
        output.write_document(report)
    elif report.deliveries:
        output.show(table(report) if output.is_terminal() else lines(report))
    else:
        output.write_error("no delivery that was given up was last tried in that time: nothing to resend")
