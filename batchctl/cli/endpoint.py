"""The group `batchctl webhook endpoint`."""

import getpass
import sys
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from batchctl.cli import ask, output
from batchctl.cli.desk import at_desk, operator
from batchctl.cli.options import DryRun, Json, NoTrunc, Output, Reason, Yes
from batchctl.domain.endpoint import DEFAULT_GRACE
from batchctl.domain.problem import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchctl.domain.endpoint import EndpointReport
    from batchctl.service.world import World

app = typer.Typer(help="Customers' webhook endpoints: their secrets, and whether they are told.", no_args_is_help=True)

MAX_SECRET_BYTES = 4096
LONGEST_REASON = 500

Endpoint = Annotated[
    str,
    typer.Argument(metavar="ENDPOINT", help="The id of an endpoint, or its first digits; or a customer's, with URL."),
]
Address = Annotated[
    str | None, typer.Argument(metavar="URL", help="The address, where a customer was named instead of an endpoint.")
]
SecretFile = Annotated[
    str | None,
    typer.Option(
        "--secret-file", metavar="FILE", help="Holds the secret; - is standard input. Without: a new one, shown once."
    ),
]


@app.command("list")
def list_(
    *,
    user: Annotated[UUID | None, typer.Option("--user", metavar="UUID", help="Of this customer.")] = None,
    disabled: Annotated[bool, typer.Option("--disabled", metavar="", help="Those that are disabled.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, metavar="N", help="At most so many, those that changed last.")
    ] = 50,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """List endpoints that have a secret of their own, fail or are disabled; secrets by their fingerprints."""
    from batchctl.render.endpoint import lines, table
    from batchctl.service import endpoint as service

    shape = output.chosen(form, json=json)
    with at_desk() as world:
        report = service.list_some(world, user_id=user, only_disabled=disabled, limit=limit)
    page = table if shape is output.Form.TABLE else lines
    output.give(report, lambda: [page(report)], shape, nothing="no endpoint matches", whole_ids=no_trunc)
    if report.more:
        output.write_error(f"{limit} shown, more match: --limit N shows more")


@app.command()
def add(
    user: Annotated[UUID, typer.Argument(metavar="USER", help="The id of a customer.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the customer's batches want to be told.")],
    *,
    secret_file: SecretFile = None,
    grace: Annotated[
        str | None,
        typer.Option(
            "--grace",
            metavar="TIME",
            help="So long the default secret goes on signing too: 24h, 7d, or a date or time.",
        ),
    ] = None,
    reason: Reason = None,
    json: Json = False,
) -> None:
    """Give a customer's address a secret of its own, which signs instead of ENTERPRISE_WEBHOOK_SECRET.

    It is kept sealed by ENTERPRISE_WEBHOOK_SECRETS_KEY. A secret that is made here is printed once, to stdout.
    """
    from batchctl.domain.moment import moment_ahead
    from batchctl.service import endpoint as service
    from batchctl.settings import read_settings

    secret = _read_secret(secret_file)
    with at_desk() as world:
        default_until = None
        if grace is not None:
            default = read_settings().webhook_secret
            if default is None:
                raise UsageProblem("--grace lets the default secret sign too, and ENTERPRISE_WEBHOOK_SECRET is not set")
            default_until = default.get_secret_value(), moment_ahead(grace, world.clock())
        report = _acted(world, reason, lambda: service.add(world, user, url, secret, default_until=default_until))
    _show(report, as_json=json)


@app.command()
def rotate(
    endpoint: Endpoint,
    url: Address = None,
    *,
    secret_file: SecretFile = None,
    grace: Annotated[
        str,
        typer.Option(
            "--grace",
            metavar="TIME",
            help=f"So long the old secrets go on signing too ({DEFAULT_GRACE}); 0s: no longer.",
            show_default=False,
        ),
    ] = DEFAULT_GRACE,
    reason: Reason = None,
    json: Json = False,
) -> None:
    """Give an endpoint a new secret; for a while each event is signed with the old ones too.

    The header x-webhook-signature takes one signature only: that of the oldest secret in force.
    """
    from batchctl.domain.moment import moment_ahead
    from batchctl.service import endpoint as service

    secret = _read_secret(secret_file)
    with at_desk() as world:
        chosen = service.find(world, endpoint, url)
        expires_at = moment_ahead(grace, world.clock())
        report = _acted(world, reason, lambda: service.rotate(world, chosen, secret, expires_at))
    _show(report, as_json=json)


@app.command()
def disable(
    endpoint: Endpoint,
    url: Address = None,
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is shown with the endpoint.")],
    json: Json = False,
) -> None:
    """Send an endpoint nothing more; its events are kept, and sent when it is enabled."""
    from batchctl.domain.new_task import is_storable
    from batchctl.service import endpoint as service

    if not reason.strip() or len(reason) > LONGEST_REASON or not is_storable(reason):
        raise UsageProblem(f"--reason must be text of 1 to {LONGEST_REASON} characters")
    with at_desk() as world:
        chosen = service.find(world, endpoint, url)
        report = _acted(world, reason, lambda: service.disable(world, chosen, reason=reason, operator=operator()))
    _show(report, as_json=json)


@app.command()
def enable(endpoint: Endpoint, url: Address = None, *, reason: Reason = None, json: Json = False) -> None:
    """Send an endpoint its events again, first those that were kept, the oldest of them first."""
    from batchctl.service import endpoint as service

    with at_desk() as world:
        chosen = service.find(world, endpoint, url)
        report = _acted(world, reason, lambda: service.enable(world, chosen))
    _show(report, as_json=json)


@app.command()
def remove(
    endpoint: Endpoint,
    url: Address = None,
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
    reason: Reason = None,
    json: Json = False,
) -> None:
    """Forget an endpoint with its secrets, which nobody can bring back: the default secret signs for it again.

    Refused while events wait for it to be enabled.
    """
    from batchctl.service import endpoint as service

    with at_desk() as world:
        chosen = service.find(world, endpoint, url)
        if dry_run:
            report = service.rehearse_removal(world, chosen)
        else:
            ask.sure(f"remove endpoint {chosen} and its secrets for good?", yes=yes)
            report = _acted(world, reason, lambda: service.remove(world, chosen))
    _show(report, as_json=json)


@app.command()
def key(*, json: Json = False) -> None:
    """Print a new key for ENTERPRISE_WEBHOOK_SECRETS_KEY.

    Whoever has it and the database has customers' secrets; without it nobody has. To change it, write the new one in
    front of the old one, parted by a comma, for every worker; then run `webhook endpoint reseal` and drop the old one.
    """
    from batchctl.domain.endpoint import NewKey
    from batchctl.wiring import new_sealing_key

    made = NewKey(key=new_sealing_key())
    if json:
        output.write_document(made)
    else:
        output.write(made.key)


@app.command()
def reseal(*, reason: Reason = None, json: Json = False) -> None:
    """Seal all secrets with the first key of ENTERPRISE_WEBHOOK_SECRETS_KEY, so that the others can go."""
    from batchctl.render.endpoint import resealed
    from batchctl.service import endpoint as service
    from batchctl.service.actions import acting

    with at_desk() as world, acting(world, ask.called(reason)) as tally:
        report = service.reseal(world)
        tally.matched_count, tally.changed_count = report.resealed + report.unreadable, report.resealed
    if json:
        output.write_document(report)
    else:
        output.write_error(resealed(report))
    if report.unreadable:
        raise typer.Exit(1)


def _acted(world: "World", reason: str | None, act: "Callable[[], EndpointReport]") -> "EndpointReport":
    """Change one endpoint, and have it written down."""
    from batchctl.service.actions import acting

    with acting(world, ask.called(reason)) as tally:
        tally.matched_count = 1
        report = act()
        tally.changed_count = int(report.changed)
    return report


def _show(report: "EndpointReport", *, as_json: bool) -> None:
    from batchctl.render.endpoint import said

    if as_json:
        output.write_document(report)
        return
    if report.secret is not None:
        output.write(report.secret)
    output.write_error(said(report))


def _read_secret(file: str | None) -> str | None:
    """Return what a file holds, without the line end that editors put there; UsageProblem never quotes it."""
    if file is None:
        return None
    try:
        if file != "-":
            with open(file, "rb") as opened:  # noqa: PTH123 - a Path would turn // and /./ into another text
                data = opened.read(MAX_SECRET_BYTES + 1)
        elif sys.stdin.isatty():
            data = getpass.getpass("secret: ").encode()
        else:
            data = sys.stdin.buffer.read(MAX_SECRET_BYTES + 1)
        secret = data.decode("utf-8-sig").rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = (
            error.strerror if isinstance(error, OSError) else "it must be text in UTF-8, in a file whose name is one"
        )
        raise UsageProblem(f"--secret-file cannot be read: {reason}") from None
    if len(data) > MAX_SECRET_BYTES or not secret.isprintable():
        raise UsageProblem(f"--secret-file must hold one line of at most {MAX_SECRET_BYTES} bytes")
    return secret
