"""The group `batchctl wallet`."""

from typing import Annotated
from uuid import UUID

import typer

from batchctl.cli import output
from batchctl.cli.desk import at_desk, operator
from batchctl.cli.options import Json
from batchctl.domain.problem import UsageProblem

app = typer.Typer(help="Look at customers' credits, and give some.", no_args_is_help=True)

User = Annotated[UUID, typer.Argument(metavar="USER", help="The id of a customer.")]


@app.command()
def show(user: User, *, json: Json = False) -> None:
    """Show what a customer has, whether the ledger explains it, and its last rows."""
    from batchctl.render.wallet import page
    from batchctl.service import wallet

    with at_desk() as world:
        shown = wallet.page(world, user)
    if json:
        output.write_document(shown)
    else:
        output.show(*page(shown))


@app.command()
def grant(
    user: User,
    amount: Annotated[int, typer.Argument(metavar="AMOUNT", min=1, help="So many credits.")],
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stays in the ledger.")],
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
    json: Json = False,
) -> None:
    """Give a customer credits; a wallet is made where there is none.

    A wallet has one expiry for all its bonus credits: the later one counts, and expired bonus credits are written off
    before new ones are granted. Who granted what and why stays in the ledger.
    """
    from batchctl.domain.moment import moment_ahead
    from batchctl.render.wallet import granted, remarks
    from batchctl.service import wallet

    if bonus != (expires is not None):
        raise UsageProblem("--bonus and --expires TIME go together: bonus credits expire, permanent ones do not")
    with at_desk() as world:
        until = None if expires is None else moment_ahead(expires, world.clock())
        report = wallet.grant(
            world,
            user,
            amount,
            reason=reason,
            operator=operator(),
            bonus_expires_at=until,
            request_id=request_id,
        )
    for remark in remarks(report, until):
        output.write_error(remark)
    if json:
        output.write_document(report)
    else:
        output.show(granted(report))
