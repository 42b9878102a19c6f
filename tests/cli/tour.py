"""A tour of the command line: every command in every form that its own options allow, also in forms that are wrong.

The commands are found in the program itself, so a new one is on the tour from its first day. What a new kind of value
looks like has to be said where the tour is asked for; `untaught` tells what is missing.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
import typer

from batchctl.cli import app

Arguments = tuple[str, ...]


def built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let typer build the tree of commands once instead of for each command: a tour of hundreds takes half the time."""
    monkeypatch.setattr(typer.main, "get_command", cache(typer.main.get_command))


@cache
def commands() -> dict[str, Any]:
    """Return every command by what is typed."""
    return dict(_leaves(typer.main.get_command(app), ""))


def _leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    below: dict[str, Any] | None = getattr(command, "commands", None)
    if below is None:
        yield path, command
    for name, child in (below or {}).items():
        yield from _leaves(child, f"{path} {name}".strip())


def tour(values: Mapping[str, str], *, without: frozenset[str] = frozenset()) -> Iterator[Arguments]:
    """Return each command bare, as its own help, plain, and with each of its options, --json among them.

    `values` fit by what stands for them in the help (UUID, BATCH, N), or by the option (--by) where that says nothing.
    """
    for path, command in commands().items():
        if path in without:
            continue
        plain = plain_form(path, values)
        yield tuple(path.split())
        yield (*path.split(), "--help")
        yield plain
        for parameter in command.params:
            if not parameter.required:
                yield (*plain, *_written(parameter, values))


def spoilt(values: Mapping[str, str], bad: str, *, without: frozenset[str] = frozenset()) -> Iterator[Arguments]:
    """Return each command with each of its values replaced by a bad one, and with too much of it."""
    for path, command in commands().items():
        if path in without:
            continue
        plain = plain_form(path, values)
        yield (*plain, bad)
        yield (*plain, f"--{bad}")
        for spoilt_one in command.params:
            if not _is_flag(spoilt_one):
                given = [_written(one, values, bad if one is spoilt_one else None) for one in command.params]
                needed = zip(command.params, given, strict=True)
                yield (*path.split(), *(w for one, words in needed if one.required or one is spoilt_one for w in words))


def plain_form(path: str, values: Mapping[str, str]) -> Arguments:
    """Return a command with what it cannot do without."""
    required = [parameter for parameter in commands()[path].params if parameter.required]
    return (*path.split(), *(word for parameter in required for word in _written(parameter, values)))


def untaught(values: Mapping[str, str]) -> set[str]:
    """Return the kinds of values that nobody has said an example of."""
    every = [parameter for command in commands().values() for parameter in command.params if not _is_flag(parameter)]
    return {_kind(parameter, values) for parameter in every} - values.keys()


def _written(parameter: Any, values: Mapping[str, str], instead: str | None = None) -> Arguments:
    name = str(parameter.opts[-1]) if parameter.param_type_name == "option" else None
    if name is not None and _is_flag(parameter):
        return (name,)
    value = instead if instead is not None else values.get(_kind(parameter, values), "")
    return (value,) if name is None else (name, value)


def _kind(parameter: Any, values: Mapping[str, str]) -> str:
    """Return what stands for a value in the help, or its own name where that is known better."""
    own = str(parameter.opts[-1])
    return own if own in values or not parameter.metavar else str(parameter.metavar).strip("[].")


def _is_flag(parameter: Any) -> bool:
    return bool(getattr(parameter, "is_flag", False))
