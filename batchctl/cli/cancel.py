"""`batchctl batch cancel`."""

from batchctl.cli import output
from batchctl.cli.ask import called, sure
from batchctl.cli.desk import at_desk
from batchctl.cli.options import (
    MOST,
    ActLimit,
    Batches,
    DryRun,
    Failed,
    Held,
    Json,
    NoTrunc,
    OfModel,
    OfUser,
    Output,
    Reason,
    Since,
    Statuses,
    Until,
    Yes,
)


def cancel(
    batches: Batches = None,
    *,
    status: Statuses = None,
    user: OfUser = None,
    model: OfModel = None,
    failure_type: Failed = None,
    held: Held = False,
    since: Since = None,
    until: Until = None,
    limit: ActLimit = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    reason: Reason = None,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Cancel open batches: what was not sent fails as CANCELLED and is given back; what was sent is let finish.

    A queued batch ends at once, with nothing frozen. Of all others the settlement gives back what is due, as ever.

    Examples, the second of which is repeated with --yes:
    batchctl batch cancel 0033894e --reason "wrong prompt"
    batchctl batch cancel --since 2h --user UUID --dry-run
    """
    from batchctl.domain.batch import BatchStatus
    from batchctl.render.cancel import question, samples, summary, table
    from batchctl.service.cancel import cancel as do
    from batchctl.service.cancel import rehearse
    from batchctl.service.select import Selector, select_batches

    shape = output.chosen(form, json=json)
    selector = Selector(since=since, until=until, user_id=user, model=model, failure_type=failure_type, only_held=held)
    with at_desk() as world:
        states = status or (() if batches else (BatchStatus.QUEUED, BatchStatus.PROCESSING))
        wanted = select_batches(world, batches or (), selector, states, to_act=True)
        report = rehearse(world, wanted, batch_limit=limit or MOST)
        if report.cancelled and not dry_run:
            if not yes:
                output.write_error(samples(report))
            sure(question(report), yes=yes)
            report = do(world, report.doomed if not batches else [line.id for line in report.batches], called(reason))
    output.give(report, lambda: [table(report)], shape, nothing="no open batch matches", whole_ids=no_trunc)
    if report.batches:
        output.write_error(summary(report))
