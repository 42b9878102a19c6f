"""The group `batchctl webhook`, and those of its commands that look at events and tries."""

from typing import TYPE_CHECKING, Annotated

import typer

from batchctl.cli import output
from batchctl.cli.desk import at_desk
from batchctl.cli.options import (
    Deadline,
    Json,
    NoTrunc,
    OfBatch,
    OfEndpoint,
    OfEvent,
    OfHost,
    OfUser,
    Output,
    Since,
    Until,
)
from batchctl.cli.stage import run_stage
from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.problem import UsageProblem

if TYPE_CHECKING:
    from batchctl.service.deliveries import Written

app = typer.Typer(help="Tell customers what became of their batches.", no_args_is_help=True)

MOST = 10_000

Delivery = Annotated[str, typer.Argument(metavar="DELIVERY", help="A webhook-id, or the first digits of it.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=MOST, metavar="N", help="At most so many, the newest.")]


@app.command()
def deliver(*, deadline: Deadline = None, json: Json = False) -> None:
    """Try the deliveries that are due, with their quick retries."""
    from batchctl.service.webhooks import deliver as stage

    run_stage("webhook", stage, deadline_s=deadline, as_json=json)


@app.command("list")
def list_(
    *,
    since: Since = None,
    until: Until = None,
    status: Annotated[
        list[DeliveryStatus] | None, typer.Option("--status", help="That stand so; may be repeated.")
    ] = None,
    user: OfUser = None,
    batch: OfBatch = None,
    event: OfEvent = None,
    endpoint: OfEndpoint = None,
    host: OfHost = None,
    limit: Limit = 50,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """List events for customers by when they were written, the newest first: how each stands and where it goes."""
    from batchctl.render.deliveries import listing
    from batchctl.service import deliveries

    shape = output.chosen(form, json=json)
    with at_desk() as world:
        events = deliveries.meant(world, _written(since, until, user, batch, event, endpoint, host))
        report = deliveries.list_newest(world, events, status or (), limit)
    output.give(report, lambda: [listing(report)], shape, nothing="no delivery matches", whole_ids=no_trunc)
    if report.more:
        output.write_error(f"{limit} shown, more match: --limit N shows more")


@app.command()
def show(delivery: Delivery, *, form: Output = None, json: Json = False) -> None:
    """Show an event: how it stands, what it waits for, its endpoint, every try, and what it says."""
    from batchctl.render.deliveries import page
    from batchctl.service import deliveries

    shape = output.chosen(form, json=json)
    with at_desk() as world:
        shown = deliveries.show(world, deliveries.find(world, delivery))
    output.give(shown, lambda: page(shown), shape)


@app.command()
def attempts(
    delivery: Annotated[
        str | None, typer.Argument(metavar="DELIVERY", help="Of this one: a webhook-id, or the first digits of it.")
    ] = None,
    *,
    since: Since = None,
    until: Until = None,
    failed: Annotated[bool, typer.Option("--failed", metavar="", help="Those that were not answered 2xx.")] = False,
    user: OfUser = None,
    batch: OfBatch = None,
    event: OfEvent = None,
    endpoint: OfEndpoint = None,
    host: OfHost = None,
    limit: Limit = 50,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """List tries by when they began, the newest first: what was answered, how long it took, when the next follows."""
    from batchctl.render.deliveries import log
    from batchctl.service import deliveries

    if delivery is not None and batch is not None:
        raise UsageProblem("name a delivery or write --batch BATCH, but not both")
    shape = output.chosen(form, json=json)
    with at_desk() as world:
        events = deliveries.meant(world, _written(since, until, user, batch, event, endpoint, host))
        delivery_id = None if delivery is None else deliveries.find(world, delivery)
        report = deliveries.list_attempts(world, events, delivery_id=delivery_id, only_failed=failed, limit=limit)
    output.give(report, lambda: [log(report)], shape, nothing="no try matches", whole_ids=no_trunc)
    if report.more:
        output.write_error(f"{limit} shown, more match: --limit N shows more")


def _written(
    since: Since, until: Until, user: OfUser, batch: OfBatch, event: OfEvent, endpoint: OfEndpoint, host: OfHost
) -> "Written":
    from batchctl.service.deliveries import Written

    return Written(since=since, until=until, user_id=user, batch=batch, event_type=event, endpoint=endpoint, host=host)
