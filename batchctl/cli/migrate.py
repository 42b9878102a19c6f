"""`batchctl migrate`."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from batchctl.cli import output
from batchctl.cli.options import Json
from batchctl.domain.problem import ConfigProblem, UsageProblem

if TYPE_CHECKING:
    from batchctl.service.migrate import MigrateReport


def migrate(
    *,
    check: Annotated[
        bool, typer.Option("--check", metavar="", help="Change nothing; exit 78 when something is pending.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", metavar="", help="Change nothing; say what would be done, and what it locks.")
    ] = False,
    sql: Annotated[
        bool,
        typer.Option("--sql", metavar="", help="Change nothing; print what would be done as a script for psql."),
    ] = False,
    apply_adoption: Annotated[
        bool,
        typer.Option(
            "--apply-adoption", metavar="", help="The original worker is stopped for good: let the guards refuse."
        ),
    ] = False,
    role: Annotated[
        str | None,
        typer.Option("--role", metavar="NAME", help="Print the script that makes a database role, for psql."),
    ] = None,
    json: Json = False,
) -> None:
    """Bring the schema up to date, on an empty database, on our own, or on the original worker's."""
    given = {
        "--check": check,
        "--plan": plan,
        "--sql": sql,
        "--apply-adoption": apply_adoption,
        "--role": role is not None,
    }
    asked = [name for name, is_given in given.items() if is_given]
    if len(asked) > 1:
        raise UsageProblem(f"{' and '.join(asked)} exclude each other: choose one")
    if json and (sql or role is not None):
        raise UsageProblem(f"{asked[0]} prints a script, --json a document: choose one")
    if role is not None:
        _print_role(role)
    elif sql:
        _print_script()
    elif plan:
        _show_plan(json=json)
    elif check:
        _check(json=json)
    else:
        _migrate(apply_adoption=apply_adoption, json=json)


def _print_role(name: str) -> None:
    from batchctl.service.psql import role_script

    output.write(role_script(name))


def _print_script() -> None:
    from batchctl.service.migrate import SESSION
    from batchctl.service.psql import migration_script
    from batchctl.settings import read_settings
    from batchctl.wiring import open_database

    settings = read_settings()
    if settings.database_url is None:
        output.write_error("no database is set: the script is for an empty database")
        output.write(migration_script(None))
    else:
        with open_database(settings, session=SESSION) as db:
            output.write(migration_script(db))


def _show_plan(*, json: bool) -> None:
    from batchctl.render import migrate as render
    from batchctl.service.migrate import SESSION
    from batchctl.service.plan import plan
    from batchctl.settings import read_settings
    from batchctl.wiring import open_database

    with open_database(read_settings(), session=SESSION) as db:
        report = plan(db)
    if json:
        output.write_document(report)
    else:
        output.show(*render.plan(report))


def _check(*, json: bool) -> None:
    from batchctl.service import migrate as service
    from batchctl.settings import read_settings
    from batchctl.wiring import open_database

    with open_database(read_settings(), session=service.SESSION) as db:
        report = service.MigrateReport(pending=tuple(one.name for one in service.pending(db)))
    _show(report, json=json)
    if report.pending:
        message = f"pending migrations: {len(report.pending)}: run `batchctl migrate`"
        raise ConfigProblem(message)


def _migrate(*, apply_adoption: bool, json: bool) -> None:
    from batchctl.service import adoption
    from batchctl.service import migrate as service
    from batchctl.settings import read_settings
    from batchctl.wiring import open_database, sleep

    with open_database(read_settings(), session=service.SESSION) as db:
        report = service.migrate(db, sleep)
        adopted = adoption.apply(db, sleep) if apply_adoption else adoption.look(db)
    _show(replace(report, adoption=adopted), json=json, asked_to_apply=apply_adoption)


def _show(report: "MigrateReport", *, json: bool, asked_to_apply: bool = False) -> None:
    from batchctl.render import migrate as render

    if json:
        output.write_document(report)
    else:
        output.write("\n".join(render.lines(report, asked_to_apply=asked_to_apply)))
