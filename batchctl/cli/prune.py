"""`batchctl prune`."""

from functools import partial
from typing import Annotated

import typer

from batchctl.cli import output
from batchctl.cli.ask import called, sure
from batchctl.cli.desk import at_desk
from batchctl.cli.options import DryRun, Json, Output, Reason, Yes


def prune(
    *,
    older_than: Annotated[
        str,
        typer.Option("--older-than", metavar="TIME", help="What ended longer ago: 90d, 52w, or a date; 7d at least."),
    ],
    dry_run: DryRun = False,
    yes: Yes = False,
    reason: Reason = None,
    form: Output = None,
    json: Json = False,
) -> None:
    """Delete old history of what has ended: passes, webhooks that were delivered or given up, results that came late.

    Batches, tasks, wallets, the ledger, request ids and what operators did stay for ever. It is run by the owner of the
    tables, as `migrate` is.
    """
    from batchctl.domain.moment import moment
    from batchctl.render.progress import watched
    from batchctl.render.prune import table
    from batchctl.service import prune as service
    from batchctl.service.actions import acting

    shape = output.chosen(form, json=json)
    with at_desk() as world:
        before = moment(older_than, world.clock())
        found = service.count(world, before)
        report = service.preview(before, found)
        if not dry_run:
            if found.total:
                told = f"{found.deliveries} events, {found.late_results} late results and {found.runs} passes"
                sure(f"delete {told} for good?", yes=yes)
            with acting(world, called(reason)) as tally:
                tally.matched_count = found.total
                watch = partial(watched, what="pruning", total=found.total)
                report, tally.changed_count = service.prune(world, before, watch)
    output.give(report, lambda: [table(report)], shape)
