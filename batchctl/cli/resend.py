"""`batchctl webhook resend` and `batchctl webhook recover`: customers are told once more."""

from typing import TYPE_CHECKING, Annotated

import typer

from batchctl.cli import ask, output
from batchctl.cli.desk import at_desk
from batchctl.cli.options import (
    DryRun,
    Json,
    NoTrunc,
    OfBatch,
    OfEndpoint,
    OfEvent,
    OfHost,
    OfUser,
    Output,
    Reason,
    Since,
    Until,
    Yes,
)
from batchctl.cli.signals import graceful_stop
from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.problem import UsageProblem

if TYPE_CHECKING:
    from batchctl.domain.resend import ResendReport, Window
    from batchctl.service.resend import Resend
    from batchctl.service.world import World

LIMIT = 1000
SAMPLES = 5
"""So many of what a selector found are shown before the question."""

Most = Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help=f"At most so many ({LIMIT}).")]


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
    limit: Most = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    reason: Reason = None,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Tell customers once more: the same event and webhook-id, signed anew, to the address that is valid today.

    Each delivery is tried once, now, whatever became of it before; the retries of one that is still open go on as if
    nobody had. --failed takes those tried longest ago first.

    A batch that ended and was never told is told from the books. Exits 1 when one was not delivered.
    """
    from batchctl.service.pick import pick
    from batchctl.service.resend import Resend

    _check(batches, (since, until, limit), failed=failed)
    shape = output.chosen(form, json=json)
    with at_desk() as world:
        chosen = pick(world.db, batches) if batches else _window(world, since or "", until, limit)
        planned, sure = Resend(world, chosen), yes or bool(batches)
        report = _send(world, planned, shape, dry_run=dry_run, yes=sure, reason=reason, whole_ids=no_trunc)
    output.close_with(report.findings)


def recover(
    *,
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Events written from then on: 30m, 2h (ago), 09:00, or a date with or without a time.",
        ),
    ],
    until: Until = None,
    status: Annotated[
        list[DeliveryStatus] | None,
        typer.Option(
            "--status", help="That stand so (failed and retrying); may be repeated. sent: what was taken and then lost."
        ),
    ] = None,
    user: OfUser = None,
    batch: OfBatch = None,
    event: OfEvent = None,
    endpoint: OfEndpoint = None,
    host: OfHost = None,
    limit: Most = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    reason: Reason = None,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Tell customers again what they missed in a time: the same events and webhook-ids, the oldest first.

    At most ten a second for each receiver; one that takes none of ten in a row is left alone. What was delivered
    meanwhile is passed over, so that a run that was broken off is taken up by running it again.
    """
    from batchctl.domain.resend import Missed
    from batchctl.service.deliveries import Written, meant
    from batchctl.service.resend import Resend

    shape = output.chosen(form, json=json)
    with at_desk() as world:
        written = Written(
            since=since, until=until, user_id=user, batch=batch, event_type=event, endpoint=endpoint, host=host
        )
        wanted = Missed(
            events=meant(world, written),
            statuses=tuple(dict.fromkeys(status or (DeliveryStatus.FAILED, DeliveryStatus.RETRYING))),
            limit=limit or LIMIT,
        )
        report = _send(world, Resend(world, wanted), shape, dry_run=dry_run, yes=yes, reason=reason, whole_ids=no_trunc)
    output.close_with(report.findings)


def _send(
    world: "World",
    planned: "Resend",
    shape: output.Form,
    *,
    dry_run: bool,
    yes: bool,
    reason: str | None,
    whole_ids: bool,
) -> "ResendReport":
    """Show what would be sent, or ask and send it, and return the report that was shown."""
    from batchctl.service.actions import acting

    plan = planned.rehearsed()
    if dry_run or not plan.deliveries:
        _show(plan, shape, whole_ids=whole_ids)
        return plan
    if plan.would_be_tried and not yes:
        _show_samples(plan)
        events, receivers = _counted(plan.would_be_tried, "event"), _counted(planned.receivers, "receiver")
        ask.sure(f"send {events} to {receivers} once more?", yes=False)
    with graceful_stop() as stop:
        with acting(world, ask.called(reason)) as tally:
            report = planned.send(stop.is_asked)
            tally.matched_count, tally.changed_count = report.matched, report.delivered
        _show(report, shape, whole_ids=whole_ids)
    return report


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


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
    from batchctl.domain.moment import moment, window
    from batchctl.domain.resend import Window

    now = world.clock()
    _, end = window(since, until, now)
    return Window(since=moment(since, now), until=end, limit=limit or LIMIT)


def _show(report: "ResendReport", shape: output.Form, *, whole_ids: bool) -> None:
    from batchctl.render.resend import left, lines, nothing, table

    if remark := left(report):
        output.write_error(remark)
    page = table if shape is output.Form.TABLE else lines
    output.give(report, lambda: [page(report)], shape, nothing=nothing(report), whole_ids=whole_ids)


def _show_samples(plan: "ResendReport") -> None:
    from batchctl.render.resend import sample

    for one in plan.deliveries[:SAMPLES]:
        output.write_error(sample(one))
    if len(plan.deliveries) > SAMPLES:
        output.write_error(f"… and {len(plan.deliveries) - SAMPLES} more; --dry-run lists all")
