"""The group `batchctl config`."""

import os
from typing import TYPE_CHECKING

import typer

from batchctl.cli import output
from batchctl.cli.options import Json, Output

if TYPE_CHECKING:
    from batchctl.domain.config import SettingLine
    from batchctl.settings import Look

app = typer.Typer(help="Look at the settings.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look at the settings."""


@app.command()
def show(*, form: Output = None, json: Json = False) -> None:
    """Show every setting, its value and where that comes from; of secrets only whether they are set.

    Needs no database. Exits 78 when a value is wrong; all others are shown all the same.
    """
    from batchctl.domain.config import ConfigReport
    from batchctl.domain.problem import ConfigProblem
    from batchctl.render.config import table
    from batchctl.settings import Settings, look_at_settings

    shape = output.chosen(form, json=json)
    look = look_at_settings()
    report = ConfigReport(settings=tuple(_line(name, look) for name in Settings.model_fields))
    output.give(report, lambda: [table(report)], shape)
    wrong = [line.variable for line in report.settings if line.problem is not None]
    if wrong:
        raise ConfigProblem(f"wrong settings: {', '.join(wrong)}")


def _line(name: str, look: "Look") -> "SettingLine":
    from batchctl.domain.config import NOT_SET, SET, WRONG, SettingLine, Source, shown
    from batchctl.secret_file import SUFFIX
    from batchctl.settings import Settings, is_secret, names_of

    field = Settings.model_fields[name]
    names = names_of(field)
    # The first that is set counts, and what stands in a file is set by its name with a suffix.
    used = next((one for one in names if os.environ.get(one) or os.environ.get(one + SUFFIX)), names[0])
    is_given = bool(os.environ.get(used))
    from_file = is_secret(field) and not is_given and bool(os.environ.get(used + SUFFIX))
    value, problem = getattr(look.settings, name), look.wrong.get(name)
    if problem is None and name == "database_url" and value is not None:
        text = _database(value.get_secret_value())
        problem = None if text else "must be a URL (postgresql://…) or `key=value` pairs"
    elif is_secret(field):
        text = SET if value is not None else NOT_SET
    else:
        text = shown(value)
    return SettingLine(
        variable=used + SUFFIX if from_file else used,
        value=text if problem is None and text else WRONG,
        source=Source.FILE if from_file else Source.ENVIRONMENT if is_given else Source.DEFAULT,
        is_secret=is_secret(field),
        problem=problem,
        default=shown(field.default),
        meaning=field.description or "",
    )


def _database(address: str) -> str | None:
    from batchctl.service.config import database

    return database(address)
