"""Writes docs/commands.md and docs/json from the code: `make reference`, held by tests/test_reference.py."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from batchctl import domain
from batchctl.domain.report import DispatchReport, PassReport, PollReport, SettleReport, WebhookReport
from tests.cli.tour import commands

DOCS = Path(__file__).parents[1] / "docs"
SHARED: Mapping[str, tuple[str, ...]] = {
    "BrakeReport": ("batchctl/pause/1", "batchctl/resume/1"),
    "EndpointReport": tuple(
        f"batchctl/webhook.endpoint.{act}/1" for act in ("add", "rotate", "disable", "enable", "remove")
    ),
    "ResendReport": ("batchctl/webhook.resend/1", "batchctl/webhook.recover/1"),
    "RetryReport": ("batchctl/batch.retry/1", "batchctl/task.retry/1"),
}
"""Documents of several commands, by the class that they are made from."""
STAGES = {
    "dispatch": DispatchReport,
    "poll": PollReport,
    "run-once": PassReport,
    "settle": SettleReport,
    "webhook deliver": WebhookReport,
}
"""The documents that the contract names (§6); they came before schemas and say of none."""


@cache
def schemas() -> dict[str, Any]:
    """Return the JSON Schema of each document, by the name of its file without the ending."""
    made = {name.replace(" ", "-"): _schema(report, f"batchctl {name} --json") for name, report in STAGES.items()}
    for report, names in _reports():
        for name in names:
            schema, before = _schema(report, name), made.get(file_name(name))
            made[file_name(name)] = schema if before is None else _either(before, schema)
    return made


def file_name(schema: str) -> str:
    """Return the name of the file that describes a schema: `batchctl/batch.show/1` is in batch.show.1.json."""
    return schema.removeprefix("batchctl/").replace("/", ".")


def _reports() -> Iterator[tuple[type[Any], tuple[str, ...]]]:
    names = [f"{domain.__name__}.{found.name}" for found in pkgutil.iter_modules(domain.__path__)]
    for module in map(importlib.import_module, [*names, "batchctl.service.plan"]):
        for report in vars(module).values():
            if not (isinstance(report, type) and is_dataclass(report) and report.__module__ == module.__name__):
                continue
            for field in fields(report):
                if field.name == "schema":
                    yield report, SHARED[report.__name__] if field.default is MISSING else (str(field.default),)


def _schema(report: type[Any], title: str) -> Any:
    schema = TypeAdapter(report).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def _either(one: Any, other: Any) -> Any:
    """Describe a command that prints one document or another, depending on its options."""
    definitions = {**one.pop("$defs", {}), **other.pop("$defs", {})}
    return {"$schema": one.pop("$schema"), "title": one["title"], "$defs": definitions, "anyOf": [one, other]}


def commands_page() -> str:
    """Write the reference of all commands from the command line itself."""
    parts = [
        "# Commands\n\nMade from the program by `make reference`. Every command says the same with `--help`.\n",
        *(_command(path, command) for path, command in commands().items()),
    ]
    return "\n".join(parts)


def _command(path: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
    call = " ".join(["batchctl", path, *(_metavar(one) for one in arguments), *(["[OPTIONS]"] if options else [])])
    lines = [f"## batchctl {path}\n", f"```\n{call}\n```\n", f"{_paragraphs(command.help)}\n"]
    if arguments or options:
        lines += ["| | |", "| --- | --- |"]
        lines += [f"| `{_metavar(one)}` | {_cell(one.help)} |" for one in arguments]
        lines += [f"| {_names(one)} | {_cell(one.help)} |" for one in options]
        lines.append("")
    if command.epilog:
        lines.append(f"```\n{_examples(command.epilog)}\n```\n")
    return "\n".join(lines)


def _metavar(argument: Any) -> str:
    name = str(argument.metavar or argument.name.upper()).strip("[].")
    name = f"{name}…" if argument.nargs == -1 else name
    return name if argument.required else f"[{name}]"


def _names(option: Any) -> str:
    value = "" if option.is_flag else f" `{str(option.metavar or option.display_type(None)).strip('[]')}`"
    return ", ".join(f"`{name}`" for name in option.opts) + value + (" (required)" if option.required else "")


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", (text or "").strip()))


def _examples(text: str) -> str:
    return "\n".join(line.strip() for line in text.replace("\b", "").splitlines() if line.strip())


def write() -> None:
    """Write all pages anew."""
    (DOCS / "commands.md").write_text(commands_page())
    folder = DOCS / "json"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for name, schema in schemas().items():
        (folder / f"{name}.json").write_text(f"{json.dumps(schema, indent=1)}\n")


if __name__ == "__main__":
    write()
