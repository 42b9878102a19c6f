"""The group `batchctl task`: looking at tasks, and deciding about those in doubt."""

from typing import Annotated

import typer

from batchctl.cli import output
from batchctl.cli.ask import called, sure
from batchctl.cli.desk import at_desk
from batchctl.cli.options import (
    DryRun,
    Failed,
    Json,
    Limit,
    NoTrunc,
    OfBatches,
    OfModel,
    OfUser,
    Output,
    Reason,
    Since,
    Tasks,
    Until,
    Yes,
)
from batchctl.domain.problem import UsageProblem
from batchctl.domain.resolve import Decision, RefusedProblem, need_provider_id
from batchctl.domain.task import TaskStatus

app = typer.Typer(help="Look at tasks, try failed ones again, decide about those in doubt.", no_args_is_help=True)

Task = Annotated[str, typer.Argument(metavar="TASK", help="The id of a task, or its first digits.")]


@app.command("list")
def list_(
    tasks: Tasks = None,
    *,
    batch: OfBatches = None,
    status: Annotated[list[TaskStatus] | None, typer.Option("--status", help="In this state; may be repeated.")] = None,
    failure_type: Failed = None,
    provider_id: Annotated[
        str | None, typer.Option("--provider-id", metavar="TEXT", help="The one that this job of the provider serves.")
    ] = None,
    user: OfUser = None,
    model: OfModel = None,
    held: Annotated[bool, typer.Option("--held", metavar="", help="On hold: waiting for you.")] = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """List tasks of batches, those of the newest batch first; --since and --until are those of the batches.

    Examples:
    batchctl task list --batch 0033894e --status failed
    batchctl task list --held

    """
    from batchctl.render.task import listing
    from batchctl.service.select import Selector, select_tasks
    from batchctl.service.task import list_newest

    shape = output.chosen(form, json=json)
    selector = Selector(since=since, until=until, user_id=user, model=model, failure_type=failure_type, only_held=held)
    with at_desk() as world:
        wanted = select_tasks(world, tasks or (), selector, status or (), batches=batch or (), provider_id=provider_id)
        report = list_newest(world, wanted, limit)
    output.give(report, lambda: [listing(report)], shape, nothing="no task matches", whole_ids=no_trunc)
    if report.more:
        output.write_error(f"{limit} shown, more match: --limit N shows more")


@app.command()
def show(task: Task, *, no_trunc: NoTrunc = False, form: Output = None, json: Json = False) -> None:
    """Show a task: what it waits for, what was ordered, how often it was sent and asked for, and what came of it."""
    from batchctl.render.task import page
    from batchctl.service import task as service
    from batchctl.service.select import pick_task

    shape = output.chosen(form, json=json)
    with at_desk() as world:
        shown = service.show(world, pick_task(world, task))
    output.give(shown, lambda: page(shown), shape, whole_ids=no_trunc)


@app.command()
def resolve(
    task: Task,
    *,
    accepted: Annotated[
        str | None, typer.Option("--accepted", metavar="PROVIDER_ID", help="The provider has it, under this id.")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", metavar="", help="It fails, and the settlement gives its credits back.")
    ] = False,
    submit_again: Annotated[
        bool, typer.Option("--submit-again", metavar="", help="The provider does not have it: it is sent once more.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    reason: Reason = None,
    form: Output = None,
    json: Json = False,
) -> None:
    """Decide about a task of which nobody knows whether the provider accepted it, by what the provider's records say.

    Examples:
    batchctl task resolve 7d1c09aa --accepted 14-3f2a
    batchctl task resolve 7d1c09aa --failed --reason "not in their records"

    """
    from batchctl.render.task import decided, summary
    from batchctl.service.resolve import rehearse
    from batchctl.service.resolve import resolve as decide
    from batchctl.service.select import pick_task

    shape = output.chosen(form, json=json)
    chosen = {Decision.ACCEPTED: accepted is not None, Decision.FAILED: failed, Decision.SUBMIT_AGAIN: submit_again}
    decisions = [decision for decision, is_chosen in chosen.items() if is_chosen]
    if len(decisions) != 1:
        raise UsageProblem("decide one of: --accepted PROVIDER_ID, --failed, --submit-again")
    provider_id = None if accepted is None else need_provider_id(accepted)
    with at_desk() as world:
        task_id = pick_task(world, task)
        try:
            report = rehearse(world, task_id, decisions[0], provider_id)
            if not dry_run:
                sure(f"decide that task {task_id} is {decisions[0]}?", yes=yes)
                report = decide(world, task_id, decisions[0], called(reason), provider_id)
        except RefusedProblem as refusal:
            output.write_error(f"error: {refusal}")
            raise typer.Exit(refusal.exit_code) from None
    output.give(report, lambda: [decided(report)], shape, whole_ids=True)
    output.write_error(summary(report))
