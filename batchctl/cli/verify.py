"""`batchctl webhook verify`: what a receiver that does it right would say of a webhook."""

import sys
from typing import Annotated

import typer

from batchctl.cli import output
from batchctl.cli.options import Json, Output
from batchctl.domain.problem import UsageProblem

MAX_BODY_BYTES = 1024 * 1024
MAX_SECRET_BYTES = 4096
VARIABLE = "ENTERPRISE_WEBHOOK_SECRET"


def verify(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Holds the body, byte for byte as it was received; - reads stdin.")
    ],
    *,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", metavar="HEADER", help="A header as `name: value`; repeat it for each."),
    ] = None,
    secret_file: Annotated[
        str | None, typer.Option("--secret-file", metavar="FILE", help=f"Holds the secret; else {VARIABLE} does.")
    ] = None,
    form: Output = None,
    json: Json = False,
) -> None:
    """Check the signatures of a webhook as its receiver does, and say why one does not fit.

    Give x-webhook-signature, or webhook-id, webhook-timestamp and webhook-signature, or all of them. Needs no database.
    Exits 1 when a receiver would refuse it.
    """
    from batchctl.domain.verify import Received
    from batchctl.domain.verify import verify as check
    from batchctl.domain.webhook import MalformedSecretError
    from batchctl.render.verify import page
    from batchctl.wiring import local_clock

    shape = output.chosen(form, json=json)
    secret = _secret(secret_file)
    received = Received(body=_read(file, "FILE", MAX_BODY_BYTES), headers=dict(map(_header, header or ())))
    try:
        report = check(received, secret, local_clock())
    except MalformedSecretError as error:
        raise UsageProblem(str(error)) from None
    output.give(report, lambda: page(report), shape)
    if not report.accepted:
        raise typer.Exit(1)


def _header(written: str) -> tuple[str, str]:
    name, colon, value = written.partition(":")
    if not colon or not name.strip():
        raise UsageProblem(f"{written[:40]!r} is no header: write `name: value`")
    return name.strip().lower(), value.strip()


def _secret(file: str | None) -> str:
    """Return the secret, without the line end that editors put there; UsageProblem never quotes it."""
    if file is None:
        from batchctl.settings import read_settings

        setting = read_settings().webhook_secret
        if setting is None:
            raise UsageProblem(f"say with which secret: --secret-file FILE, or {VARIABLE} in the environment")
        return setting.get_secret_value()
    try:
        secret = _read(file, "--secret-file", MAX_SECRET_BYTES).decode("utf-8-sig").rstrip("\r\n")
    except ValueError:
        raise UsageProblem("--secret-file must hold text in UTF-8") from None
    if not secret.strip() or not secret.isprintable():
        raise UsageProblem("--secret-file must hold one line of text")
    return secret


def _read(file: str, what: str, most: int) -> bytes:
    """Return what a file holds; UsageProblem when it cannot be read or is too long."""
    try:
        if file == "-":
            data = sys.stdin.buffer.read(most + 1)
        else:
            with open(file, "rb") as opened:  # noqa: PTH123 - a Path would turn // and /./ into another text
                data = opened.read(most + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no name of a file"
        raise UsageProblem(f"{what} cannot be read: {reason or 'an error of the system'}") from None
    if len(data) > most:
        raise UsageProblem(f"{what} is longer than {most} bytes")
    return data
