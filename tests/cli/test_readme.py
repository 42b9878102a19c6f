"""The README says what is so: its settings, commands, exit codes and the demonstration's output."""

import base64
import json
import re
import shutil
import subprocess
import time
from difflib import unified_diff
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from batchctl.cli import app
from batchctl.domain.webhook import sign_standard
from batchctl.settings import Settings, is_secret, names_of
from tests.cli.conftest import Shell

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


def commands_table() -> str:
    """Write the table of commands from the command line itself: arguments, the help's first sentence, options."""
    rows = [
        f"| `{_call(path, command)}` | {_first_sentence(command.help)} | {_options(command)} |"
        for path, command in _commands(typer.main.get_command(app), "batchctl")
    ]
    return "\n".join(["| command | what it does | options |", "| --- | --- | --- |", *rows])


def _call(path: str, command: Any) -> str:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    return " ".join(
        [path, *(f"{param.metavar or param.name.upper()}{'…' * (param.nargs == -1)}" for param in arguments)]
    )


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s", " ".join(text.split()), maxsplit=1)[0].rstrip(".")


def _options(command: Any) -> str:
    names = [param.opts[0] for param in command.params if param.param_type_name == "option"]
    return ", ".join(f"`{name}`" for name in names if name not in {"--json", "--help"})


def test_commands_are_those_of_the_code() -> None:
    """The table of commands is the one that the command line makes."""
    assert len(commands_table().splitlines()) > 10
    assert commands_table() in README


def test_every_command_has_help() -> None:
    """Each command says in a sentence what it does."""
    assert [path for path, command in _commands(typer.main.get_command(app), "batchctl") if not command.help] == []


def _commands(command: Any, path: str) -> list[tuple[str, Any]]:
    """Walk the tree of commands and return the leaves by what is typed."""
    below = getattr(command, "commands", None)
    if below is None:
        return [(path, command)]
    return [leaf for name, child in below.items() for leaf in _commands(child, f"{path} {name}")]


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


SECRETS = ["test-secret", "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()]
BODY = '{"type":"batch.completed","reason":"落"}'.encode()


def signed(secret: str, at_s: int) -> dict[str, str]:
    """Return the headers that sign BODY at that time."""
    signature = sign_standard(secret, "5eed", at_s, BODY)
    return {"webhook-id": "5eed", "webhook-timestamp": str(at_s), "webhook-signature": signature}


def example(language: str) -> str:
    """Return the receiver's code in that language."""
    return README.partition(f"```{language}\n")[2].partition("```")[0]


@pytest.mark.parametrize("secret", SECRETS)
def test_receiver_in_python(secret: str) -> None:
    """The README's receiver takes what we sign, and nothing else, nothing old."""
    names: dict[str, Any] = {}
    exec(example("python"), names)  # noqa: S102 - the text of the README is what is tested
    now_s = int(time.time())  # noqa: TID251 - the receiver looks at the real time

    assert names["is_genuine"](secret, signed(secret, now_s), BODY)
    assert not names["is_genuine"](secret, signed(secret, now_s), BODY + b" ")
    assert not names["is_genuine"]("another", signed(secret, now_s), BODY)
    assert not names["is_genuine"](secret, signed(secret, now_s - 301), BODY)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here to run its example with")
def test_receiver_in_node() -> None:
    """The README's receiver in Node judges alike."""
    now_s = int(time.time())  # noqa: TID251 - the receiver looks at the real time
    cases = [
        [secret, signed(signer, at_s), (BODY + more).decode()]
        for secret in SECRETS
        for signer, at_s, more in ((secret, now_s, b""), (secret, now_s, b" "), ("x", now_s, b""), (secret, 1, b""))
    ]
    judge = "console.log(JSON.stringify(CASES.map(([s, h, b]) => isGenuine(s, h, Buffer.from(b)))))"
    code = f"{example('js')}\nconst CASES = {json.dumps(cases)};\n{judge}"

    judged = subprocess.run(["node", "-e", code], capture_output=True, check=True, text=True).stdout  # noqa: S607

    assert json.loads(judged) == [True, False, False, False] * len(SECRETS)
