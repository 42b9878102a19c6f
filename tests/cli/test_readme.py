"""The README says what is so: its settings, commands and the demonstration's output."""

import re
from difflib import unified_diff
from pathlib import Path
from typing import Any, cast

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from batchctl.cli import app
from batchctl.settings import Settings, is_secret, names_of
from tests.cli.conftest import Shell
from tests.cli.tour import commands

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def settings_table() -> str:
    """Write the table of settings from the class that reads them."""
    rows = [f"| {_name(field)} | {_default(field)} | {field.description} |" for field in Settings.model_fields.values()]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows])


def _name(field: FieldInfo) -> str:
    names = [f"`{name}` or `{name}_FILE`" if is_secret(field) else f"`{name}`" for name in names_of(field)]
    return ", else ".join(names)


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


def test_every_command_has_help() -> None:
    """Each command says in a sentence what it does."""
    assert [path for path, command in _commands(typer.main.get_command(app), "batchctl") if not command.help] == []


def _commands(command: Any, path: str) -> list[tuple[str, Any]]:
    """Walk the tree of commands and return the leaves by what is typed."""
    below = getattr(command, "commands", None)
    if below is None:
        return [(path, command)]
    return [leaf for name, child in below.items() for leaf in _commands(child, f"{path} {name}")]


def test_card_names_commands_that_there_are() -> None:
    """Each command of the operator's card is one of the program, with options that it has."""
    card = README.partition("## Operator's card")[2].partition("\n## ")[0]
    called = [words.split() for words in re.findall(r"`batchctl ([^`]*)`", card)]
    assert len(called) > 15
    for words in called:
        path = next(" ".join(words[:n]) for n in (3, 2, 1) if " ".join(words[:n]) in commands())
        options = {name for one in commands()[path].params for name in one.opts}
        assert {word for word in words if re.match("--[a-z]", word)} <= options, words


def test_demonstration_prints_what_the_readme_shows(shell: Shell, demo_home: Path) -> None:
    """The demonstration, and pages of its database, are in the README as they are printed, save for ids and times."""
    said = shell.run("demo", "--directory", str(demo_home)).out
    (batch,) = re.findall(r"batch show (\S+)", said)
    shell.environment = {"BATCHCTL_DATABASE_URL": f"embedded:{demo_home}"}
    pages = [shell.on_terminal(80, *words).out for words in (["batch", "show", batch], ["stats", "failures"])]

    shown = [
        README.partition(f"$ {command}\n")[2].partition("```")[0]
        for command in ("make demo", "batchctl batch show BATCH", "batchctl stats failures")
    ]
    # Sorted, since errors of one second stand in any order.
    printed = sorted(line for text in (said, *pages) for line in _timeless(text))
    differing = "\n".join(unified_diff(sorted(line for text in shown for line in _timeless(text)), printed, n=0))
    assert not differing, differing


def _timeless(text: str) -> list[str]:
    """Return the lines of an output without what differs from run to run: ids, times, paths, and so widths."""
    for changing, name in (
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{8}\b", "ID"),
        (r"ID(-[0-9a-f]*)*…", "ID"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "TIME"),
        (r"embedded:\S+", "embedded:DIR"),
        (r"\S*/batchctl (batch|wallet|stats|audit)\b", r"batchctl \1"),
        (r"\d+(\.\d+)? (s|ms)\b", "TIME"),
        (r"[▁▂▃▄▅▆▇█]{20}", "TREND"),
        (r"http://127.0.0.1:\d+", "RECEIVER"),
        (r"(TIME +)\d+( +\d{3}\b)", r"\1MS\2"),
        (r"[ ─]+", " "),
    ):
        text = re.sub(changing, name, text)
    return [line.strip() for line in text.splitlines() if line.strip()]
