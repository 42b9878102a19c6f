"""The group `batchctl stats`."""

import re
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from batchctl.cli import output, watch
from batchctl.cli.desk import at_desk
from batchctl.cli.options import Json, Output, Since, Until
from batchctl.cli.output import Form
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.domain.stats import Breakdown

if TYPE_CHECKING:
    from batchctl.domain.latency import LatencyReport
    from batchctl.domain.stats import FailureReport

app = typer.Typer(help="Count what happened, and say how everything stands.", no_args_is_help=True)

User = Annotated[UUID | None, typer.Option("--user", metavar="UUID", help="Of this customer only.")]
Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help="Of this model only.")]


@app.command()
def failures(
    *,
    since: Since = None,
    until: Until = None,
    batch: Annotated[
        list[str] | None,
        typer.Option("--batch", metavar="ID", help="Of this batch only, from its beginning on; may be repeated."),
    ] = None,
    user: User = None,
    model: Model = None,
    by: Annotated[Breakdown | None, typer.Option("--by", help="One view instead of the usual page.")] = None,
    fail_over: Annotated[
        str | None,
        typer.Option("--fail-over", metavar="PERCENT", help="Exit 1 if more than so many of the tasks failed: 5%."),
    ] = None,
    every: watch.Watch = None,
    csv: Annotated[bool, typer.Option("--csv", metavar="", help="Short for -o csv: the view of --by.")] = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Count the tasks that finished, those that failed and why, beside the time before: the last 24 hours, unless told.

    Tasks that were never sent, of refused or cancelled batches, stand apart and are in no rate, nor in --fail-over.
    """
    from batchctl.render import stats as render
    from batchctl.service import stats as service

    form = _csv(form, json=json) if csv else form
    shape, highest, every_s = (
        output.chosen(form, json=json),
        _ratio(fail_over),
        watch.interval_s(every, form, json=json),
    )
    if every_s and highest is not None:
        raise UsageProblem("--watch and --fail-over exclude each other: a monitor asks once")
    with at_desk() as world:

        def look() -> "FailureReport":
            return service.failures(
                world,
                since=since,
                until=until,
                batches=batch or (),
                user_id=user,
                model=model,
                bucket=by.bucket if by else None,
            )

        if every_s:
            watch.watch(lambda: render.failures(look(), by), every_s, world.sleep)
            return
        report = look()
    if shape is Form.CSV:
        output.give(report, lambda: [render.sheet(report, by)], shape, nothing="no task failed in this time")
    else:
        output.give(report, lambda: render.failures(report, by), shape)
    if highest is not None and (report.rate or 0) > highest:
        raise Problem(f"{render.summary(report)}, over the {fail_over} of --fail-over")


@app.command()
def overview(*, every: watch.Watch = None, form: Output = None, json: Json = False) -> None:
    """Show how everything stands on one screen: what is open and how old, throughput, success, credits, pauses."""
    from batchctl.render import overview as render
    from batchctl.service import stats as service

    shape, every_s = output.chosen(form, json=json), watch.interval_s(every, form, json=json)
    with at_desk() as world:
        if every_s:
            watch.watch(lambda: render.page(service.overview(world)), every_s, world.sleep)
            return
        report = service.overview(world)
    output.give(report, lambda: [render.figures(report)] if shape is Form.CSV else render.page(report), shape)


@app.command()
def latency(
    *,
    since: Since = None,
    until: Until = None,
    user: User = None,
    model: Model = None,
    every: watch.Watch = None,
    form: Output = None,
    json: Json = False,
) -> None:
    """Show how long batches took to start, to finish, to settle and to be told, of what ended in the last 24 hours."""
    from batchctl.render import latency as render
    from batchctl.service import stats as service

    shape, every_s = output.chosen(form, json=json), watch.interval_s(every, form, json=json)
    with at_desk() as world:

        def look() -> "LatencyReport":
            return service.latency(world, since=since, until=until, user_id=user, model=model)

        if every_s:
            watch.watch(lambda: render.page(look()), every_s, world.sleep)
            return
        report = look()
    output.give(report, lambda: [render.sheet(report)] if shape is Form.CSV else render.page(report), shape)


def _csv(form: Form | None, *, json: bool) -> Form:
    if json or form not in {None, Form.CSV}:
        raise UsageProblem("--csv is short for -o csv, and excludes other forms")
    return Form.CSV


def _ratio(percent: str | None) -> float | None:
    """Return what a percentage means, 0..1."""
    if percent is None:
        return None
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)\s*%?", percent.strip())
    if found is None or float(found[1]) > 100:  # noqa: PLR2004 - that many percent are all
        raise UsageProblem(f"{percent[:40]!r} is no percentage: write --fail-over 5%, or 0.5%")
    return float(found[1]) / 100
