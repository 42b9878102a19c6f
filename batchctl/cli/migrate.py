"""`batchctl migrate`."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from batchctl.cli import output
from batchctl.cli.options import Json

if TYPE_CHECKING:
    from batchctl.service.migrate import MigrateReport


def migrate(
    *,
    check: Annotated[
        bool, typer.Option("--check", metavar="", help="Change nothing; exit 78 when something is pending.")
    ] = False,
    apply_adoption: Annotated[
        bool,
        typer.Option(
            "--apply-adoption", metavar="", help="The original worker is stopped for good: let the guards refuse."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Bring the schema up to date, on an empty database, on our own, or on the original worker's."""
    from batchctl.domain.problem import ConfigProblem, UsageProblem
    from batchctl.service import adoption
    from batchctl.service import migrate as service
    from batchctl.settings import read_settings
    from batchctl.wiring import open_database, sleep

    if check and apply_adoption:
        raise UsageProblem("--check changes nothing, --apply-adoption does: choose one")
    with open_database(read_settings(), session=service.SESSION) as db:
        if check:
            report = service.MigrateReport(pending=tuple(one.name for one in service.pending(db)))
        else:
            report = service.migrate(db, sleep)
            adopted = adoption.apply(db, sleep) if apply_adoption else adoption.look(db)
            report = replace(report, adoption=adopted)
    if json:
        output.write_document(report)
    else:
        _show(report, asked_to_apply=apply_adoption)
    if report.pending:
        message = f"pending migrations: {len(report.pending)}: run `batchctl migrate`"
        raise ConfigProblem(message)


def _show(report: "MigrateReport", *, asked_to_apply: bool) -> None:
    from batchctl.render import adoption

    for name in report.applied:
        output.write(f"applied {name}")
    for name in report.pending:
        output.write(f"pending {name}")
    if not report.applied and not report.pending:
        output.write("up to date")
    if report.adoption is not None:
        output.write("\n".join(adoption.lines(report.adoption)))
    elif asked_to_apply:
        output.write("nothing to apply: this database was never the original worker's")
