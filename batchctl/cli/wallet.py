"""The group `batchctl wallet`."""

from dataclasses import replace
from functools import partial
from typing import Annotated
from uuid import UUID

import typer

from batchctl.cli import ask, output
from batchctl.cli.desk import at_desk, operator
from batchctl.cli.options import DryRun, Json, NoTrunc, OfBatch, Output, Since, Until, Yes
from batchctl.domain.problem import UsageProblem
from batchctl.domain.wallet_page import EntryType

app = typer.Typer(help="Look at customers' credits, give some, and correct them.", no_args_is_help=True)

MOST = 100_000
NOTHING_WRITTEN = "nothing was written: this is what would be"

User = Annotated[UUID, typer.Argument(metavar="USER", help="The id of a customer.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stays in the ledger.")]


@app.command()
def show(
    user: User,
    *,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MOST, metavar="N", help="At most so many rows of the ledger.")
    ] = 10,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Show what a customer has, whether the ledger explains it, and its last rows."""
    from batchctl.render.wallet import page
    from batchctl.service import wallet

    shape = output.chosen(form, json=json)
    with at_desk() as world:
        shown = wallet.page(world, user, entry_limit=limit)
    output.give(shown, lambda: page(shown), shape, whole_ids=no_trunc)


@app.command()
def history(
    user: User,
    *,
    since: Since = None,
    until: Until = None,
    types: Annotated[list[EntryType] | None, typer.Option("--type", help="Rows of this kind; may be repeated.")] = None,
    batch: OfBatch = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MOST, metavar="N", help="At most so many, the newest.")
    ] = 50,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """List what happened to a customer's credits, the newest first, with what was there after each row."""
    from batchctl.domain.moment import window
    from batchctl.domain.wallet_page import EntriesWanted
    from batchctl.render import ledger
    from batchctl.service import wallet
    from batchctl.service.pick import pick

    shape = output.chosen(form, json=json)
    with at_desk() as world:
        begin, end = window(since, until, world.clock())
        wanted = EntriesWanted(
            since=begin,
            until=end,
            types=tuple(types or ()),
            batch_id=None if batch is None else pick(world.db, [batch])[0],
        )
        report = wallet.history(world, user, wanted, limit=limit)
    nothing = "the ledger has no row of this customer that matches"
    output.give(report, lambda: [ledger.history(report.entries)], shape, nothing=nothing, whole_ids=no_trunc)
    if report.more:
        output.write_error(f"{limit} shown, more match: --limit N shows more")


@app.command()
def grant(
    user: User,
    amount: Annotated[int, typer.Argument(metavar="AMOUNT", min=1, help="So many credits.")],
    *,
    reason: Why,
    bonus: Annotated[
        bool, typer.Option("--bonus", metavar="", help="Bonus credits, which are spent first and expire.")
    ] = False,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help="With --bonus: 30d (from now on), or a date or time."),
    ] = None,
    request_id: Annotated[
        str | None,
        typer.Option("--request-id", metavar="TEXT", help="Grant once under this id, however often it is asked for."),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Give a customer credits; a wallet is made where there is none.

    A wallet has one expiry for all its bonus credits: the later one counts, those without one get it, and expired ones
    are written off before new ones are granted. Who granted what and why stays in the ledger.
    """
    from batchctl.domain.moment import moment_ahead
    from batchctl.render.wallet import granted, remarks
    from batchctl.service import wallet
    from batchctl.service.actions import acting

    if bonus != (expires is not None):
        raise UsageProblem("--bonus and --expires TIME go together: bonus credits expire, permanent ones do not")
    shape = output.chosen(form, json=json)
    with at_desk() as world:
        until = None if expires is None else moment_ahead(expires, world.clock())
        give = partial(
            wallet.grant,
            world,
            user,
            amount,
            reason=reason,
            operator=operator(),
            bonus_expires_at=until,
            request_id=request_id,
        )
        report = give(dry_run=True)
        for remark in remarks(report, until):
            output.write_error(remark)
        if not (dry_run or report.already_granted):
            ask.sure(f"grant {amount} {report.bucket} credits to customer {user}?", yes=yes)
            with acting(world, ask.called(reason)) as tally:
                tally.matched_count = 1
                report = give()
                tally.changed_count, tally.credits = (0, 0) if report.already_granted else (1, amount)
    report = replace(report, dry_run=dry_run)
    output.give(report, lambda: [granted(report)], shape, whole_ids=True)
    if dry_run:
        output.write_error(NOTHING_WRITTEN)


@app.command(context_settings={"ignore_unknown_options": True})  # -5 is no option
def adjust(
    user: User,
    amount: Annotated[int, typer.Argument(metavar="±AMOUNT", help="So many credits more, or with a minus, less.")],
    *,
    reason: Why,
    bonus: Annotated[
        bool, typer.Option("--bonus", metavar="", help="Bonus credits instead of permanent ones.")
    ] = False,
    request_id: Annotated[
        str | None,
        typer.Option("--request-id", metavar="TEXT", help="Adjust once under this id, however often it is asked for."),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Correct a customer's credits, up or down, never below zero; who did it and why stays in the ledger.

    What is frozen for open batches is not in the wallet, and not touched.
    """
    from batchctl.domain.credit import Bucket
    from batchctl.render.wallet import adjusted
    from batchctl.service.actions import acting
    from batchctl.service.adjust import correct

    shape = output.chosen(form, json=json)
    bucket = Bucket.BONUS if bonus else Bucket.PERMANENT
    with at_desk() as world:
        change = partial(
            correct, world, user, amount, bucket=bucket, reason=reason, operator=operator(), request_id=request_id
        )
        report = change(dry_run=True)
        if report.already_adjusted:
            output.write_error("already adjusted under this request id: nothing was written")
        elif not dry_run:
            act = f"give {amount} {bucket} credits to" if amount > 0 else f"take {-amount} {bucket} credits from"
            ask.sure(f"{act} customer {user}, which leaves {report.available_credits} available?", yes=yes)
            with acting(world, ask.called(reason)) as tally:
                tally.matched_count = 1
                report = change()
                tally.changed_count, tally.credits = (0, 0) if report.already_adjusted else (1, abs(amount))
    report = replace(report, dry_run=dry_run)
    output.give(report, lambda: [adjusted(report)], shape, whole_ids=True)
    if dry_run:
        output.write_error(NOTHING_WRITTEN)
