"""The group `batchctl hold`."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from batchctl.cli import ask, output
from batchctl.cli.desk import at_desk
from batchctl.cli.options import DryRun, Json, NoTrunc, Output, Reason, Since, Until, Yes
from batchctl.domain.problem import Problem, UsageProblem

if TYPE_CHECKING:
    from batchctl.domain.hold import HoldLine, HoldsWanted, ReleaseReport
    from batchctl.service.world import World

app = typer.Typer(help="Look at rows on hold, and let them go on.", no_args_is_help=True)

MOST = 100_000

User = Annotated[UUID | None, typer.Option("--user", metavar="UUID", help="Of this customer.")]
Matching = Annotated[
    str | None, typer.Option("--matching", metavar="TEXT", help="On hold for a reason that contains this.")
]


@app.command("list")
def list_(
    *,
    user: User = None,
    since: Since = None,
    until: Until = None,
    matching: Matching = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MOST, metavar="N", help="At most so many, those held for longest.")
    ] = 100,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """List what no pass touches until it is released: batches and tasks, why, since when, credits frozen for them."""
    from batchctl.render.hold import listing
    from batchctl.service import hold

    shape = output.chosen(form, json=json)
    with at_desk() as world:
        report = hold.list_oldest(world, _wanted(world, [], user, since, until, matching), limit=limit)
    output.give(report, lambda: [listing(report)], shape, nothing="nothing is on hold that matches", whole_ids=no_trunc)
    if report.more:
        output.write_error(f"{limit} shown, more match: --limit N shows more")


@app.command()
def release(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="Of batches, with their tasks on hold, or of tasks; or its first digits."),
    ] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", metavar="", help="All that is on hold.")] = False,
    user: User = None,
    since: Since = None,
    until: Until = None,
    matching: Matching = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Let rows on hold go on: the next pass takes them up where they were, and holds again what it cannot digest.

    Mend the cause first, such as a missing wallet. Exits 1 when the database refused to release a row.
    """
    from batchctl.render.hold import count, decisions
    from batchctl.service import hold

    selector = (user, since, until, matching)
    _check(ids, is_all=all_, has_selector=any(value is not None for value in selector))
    shape = output.chosen(form, json=json)
    with at_desk() as world:
        found = hold.list_oldest(world, _wanted(world, ids or [], *selector))
        if found.holds and (said := decisions(found.holds, world.limits.orphan_policy)):
            output.write_error(said)
        if dry_run or not found.holds:
            report = hold.rehearse(found.holds)
        else:
            if not ids:
                ask.sure(
                    f"release {count(found.holds)}, for which {found.credits} credits are frozen?",
                    yes=yes,
                )
            report = _release(world, found.holds, reason)
    _give(report, shape, whole_ids=no_trunc)


def _release(world: "World", chosen: "tuple[HoldLine, ...]", reason: str | None) -> "ReleaseReport":
    from batchctl.domain.hold import credits_of
    from batchctl.service import hold
    from batchctl.service.actions import acting

    with acting(world, ask.called(reason)) as tally:
        tally.matched_count = len(chosen)
        report = hold.release(world, chosen)
        tally.changed_count = report.released_count
        tally.credits = credits_of(chosen)
    return report


def _check(ids: list[str] | None, *, is_all: bool, has_selector: bool) -> None:
    """Raise UsageProblem for a selection that is none, or that is two."""
    if not (ids or is_all or has_selector):
        raise UsageProblem("say what to release: ids, or --user, --since, --until, --matching, or --all")
    if ids and (is_all or has_selector):
        raise UsageProblem("name ids, or select by --user, --since, --until, --matching or --all, but not both")
    if is_all and has_selector:
        raise UsageProblem("--all is all that is on hold: leave it out to select by something else")


def _wanted(
    world: "World", ids: list[str], user: UUID | None, since: str | None, until: str | None, matching: str | None
) -> "HoldsWanted":
    from batchctl.domain.hold import HoldsWanted
    from batchctl.domain.moment import window
    from batchctl.service import hold

    begin, end = window(since, until, world.clock())
    return HoldsWanted(
        ids=hold.pick(world, ids) if ids else None,
        user_id=user,
        since=begin,
        until=end,
        reason=matching,
    )


def _give(report: "ReleaseReport", shape: output.Form, *, whole_ids: bool) -> None:
    from batchctl.render.hold import released

    output.give(
        report, lambda: [released(report)], shape, nothing="nothing is on hold that matches", whole_ids=whole_ids
    )
    refused = sum(line.error is not None for line in report.holds)
    if refused:
        raise Problem(f"the database refused to release {refused} of {len(report.holds)} rows: mend them first")
