"""`batchctl batch retry` and `batchctl task retry`: failed tasks in a new batch."""

from typing import TYPE_CHECKING, Annotated

import typer

from batchctl.cli import output
from batchctl.cli.ask import called, sure
from batchctl.cli.desk import at_desk
from batchctl.cli.options import (
    MOST,
    ActLimit,
    Again,
    Batches,
    DryRun,
    Failed,
    Held,
    Json,
    NoTrunc,
    OfBatches,
    OfModel,
    OfUser,
    Output,
    Reason,
    Since,
    Statuses,
    Tasks,
    Until,
    Yes,
)
from batchctl.domain.failure import FailureType
from batchctl.domain.report import Finding

if TYPE_CHECKING:
    from batchctl.domain.retry import RetryReport
    from batchctl.service.retry import Choice
    from batchctl.service.world import World


def retry_batches(
    batches: Batches = None,
    *,
    failure_type: Annotated[
        FailureType | None, typer.Option("--failure-type", help="Only the tasks that failed so.")
    ] = None,
    status: Statuses = None,
    user: OfUser = None,
    model: OfModel = None,
    held: Held = False,
    since: Since = None,
    until: Until = None,
    limit: ActLimit = None,
    again: Again = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    reason: Reason = None,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Try the failed tasks of ended batches again: a new batch for each, at the same price, for the same customer.

    The new batch is queued, paid for, and told of like any other; the old one stays as it is, and both name each other.

    Examples:
    batchctl batch retry 0033894e
    batchctl batch retry --since 2h --failure-type network --dry-run

    """
    from batchctl.domain.batch import BatchStatus
    from batchctl.service.retry import of_batches
    from batchctl.service.select import Selector, select_batches

    shape = output.chosen(form, json=json)
    found_by = None if batches else failure_type
    selector = Selector(since=since, until=until, user_id=user, model=model, failure_type=found_by, only_held=held)
    with at_desk() as world:
        states = status or (() if batches else (BatchStatus.PARTIAL, BatchStatus.FAILED))
        wanted = select_batches(world, batches or (), selector, states, to_act=True)
        choice = of_batches(world, wanted, failure_type=failure_type, again=again, batch_limit=limit or MOST)
        report = _act(world, choice, is_named=bool(batches), dry_run=dry_run, yes=yes, reason=reason)
    _give(report, shape, no_trunc=no_trunc)


def retry_tasks(
    tasks: Tasks = None,
    *,
    batch: OfBatches = None,
    failure_type: Failed = None,
    user: OfUser = None,
    model: OfModel = None,
    since: Since = None,
    until: Until = None,
    limit: ActLimit = None,
    again: Again = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    reason: Reason = None,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Try chosen failed tasks again: a new batch for each of their batches, as `batch retry` makes.

    Examples:
    batchctl task retry 7d1c09aa
    batchctl task retry --batch 0033894e --failure-type timeout

    """
    from batchctl.domain.task import TaskStatus
    from batchctl.service.retry import of_tasks
    from batchctl.service.select import Selector, select_tasks

    shape = output.chosen(form, json=json)
    selector = Selector(since=since, until=until, user_id=user, model=model, failure_type=failure_type)
    with at_desk() as world:
        states = () if tasks else (TaskStatus.FAILED,)
        wanted = select_tasks(world, tasks or (), selector, states, batches=batch or (), to_act=True)
        choice, others = of_tasks(world, wanted, again=again, task_limit=limit or MOST)
        if others:
            message = f"task {others[0]} has not failed: only failed tasks are tried again; nothing was written"
            output.close_with([Finding(message=message)])
        report = _act(world, choice, is_named=bool(tasks), dry_run=dry_run, yes=yes, reason=reason)
    _give(report, shape, no_trunc=no_trunc)


def _act(
    world: "World", choice: "Choice", *, is_named: bool, dry_run: bool, yes: bool, reason: str | None
) -> "RetryReport":
    """Rehearse, ask, and try again; exits 1 for a batch that was named, or whose task was, and cannot be."""
    from batchctl.render.retry import question, samples, shortages
    from batchctl.service.retry import rehearse, retry

    report = rehearse(world, choice)
    unfit = [f"batch {line.id} {line.left}" for line in report.batches if line.left is not None]
    if is_named and unfit:
        output.close_with([Finding(message="; ".join([*unfit, "nothing was written"]))])
    for warning in shortages(report):
        output.write_error(warning)
    if dry_run or not report.enqueued:
        return report
    if not yes:
        output.write_error(samples(report))
    sure(question(report), yes=yes)
    return retry(world, choice, called(reason))


def _give(report: "RetryReport", shape: output.Form, *, no_trunc: bool) -> None:
    from batchctl.render.retry import summary, table

    nothing = "no ended batch with failed tasks matches"
    output.give(report, lambda: [table(report)], shape, nothing=nothing, whole_ids=no_trunc)
    if report.batches:
        output.write_error(summary(report))
