"""The README says what is so: its settings, commands, exit codes and the demonstration's output."""

import re
from pathlib import Path
from typing import Any, cast

import typer
from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo

from batchctl.cli import app
from batchctl.settings import Settings
from tests.cli.conftest import Shell

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def settings_table() -> str:
    """Write the table of settings from the class that reads them."""
    rows = [f"| {_name(field)} | {_default(field)} | {field.description} |" for field in Settings.model_fields.values()]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows])


def _name(field: FieldInfo) -> str:
    alias = field.validation_alias
    names = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return ", else ".join(f"`{name}`" for name in names)


def _default(field: FieldInfo) -> str:
    default: Any = field.default
    if default is None or isinstance(default, SecretStr):
        return "none"
    if isinstance(default, tuple):
        return ",".join(f"{number:g}" for number in cast("tuple[float, ...]", default))
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_settings_are_those_of_the_code() -> None:
    """The table of settings is the one that the settings class makes."""
    assert settings_table() in README


def test_every_command_is_mentioned() -> None:
    """Each command of the command line stands in the README."""
    paths = [path for path, _ in _commands(typer.main.get_command(app), "batchctl")]

    assert len(paths) > 5
    assert [path for path in paths if path not in README] == []


def test_every_command_has_help() -> None:
    """Each command says in a sentence what it does."""
    assert [path for path, command in _commands(typer.main.get_command(app), "batchctl") if not command.help] == []


def _commands(command: Any, path: str) -> list[tuple[str, Any]]:
    """Walk the tree of commands and return the leaves by what is typed."""
    below = getattr(command, "commands", None)
    if below is None:
        return [(path, command)]
    return [leaf for name, child in below.items() for leaf in _commands(child, f"{path} {name}")]


def test_demonstration_prints_what_the_readme_shows(shell: Shell) -> None:
    """The demonstration's output in the README is what it prints, save for ids."""
    shown = README.partition("$ make demo\n")[2].partition("```")[0]

    assert _without_ids(shown) == _without_ids(shell.run("demo").out)


def _without_ids(text: str) -> list[str]:
    return [re.sub(r"\b[0-9a-f]{8}\b", "ID", line).rstrip() for line in text.splitlines() if line.strip()]
