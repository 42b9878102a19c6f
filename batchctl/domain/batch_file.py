"""A batch as a file: one JSON object a line, each a task."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from types import NoneType
from typing import Any, cast

from batchctl.domain.problem import UsageProblem

_TEXTS = ("model", "reference_url", "aspect_ratio", "size")


class WrongLineError(ValueError):
    """What is wrong with a line of a batch file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """One task to enqueue."""

    prompt: str
    model: str | None = None
    reference_url: str | None = None
    aspect_ratio: str | None = None
    duration: int | None = None
    size: str | None = None
    meta: dict[str, Any] | None = None


def read_jsonl(lines: Iterable[str]) -> list[NewTask]:
    """Read a batch file; empty lines are passed over. Raises UsageProblem that names every wrong line."""
    tasks: list[NewTask] = []
    errors: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            tasks.append(_task(json.loads(line)))
        except (ValueError, RecursionError) as error:
            errors.append(f"line {number}: {error}")
    if not tasks and not errors:
        errors.append("there is no task in it")
    if errors:
        raise UsageProblem("the batch file cannot be used: " + "; ".join(errors))
    return tasks


def _task(fields: object) -> NewTask:
    """Check one line's fields; WrongLineError says what is wrong."""
    if not isinstance(fields, dict):
        raise WrongLineError("must be a JSON object")
    given = cast("dict[str, Any]", fields)
    unknown = sorted(set(given) - {"prompt", "duration", "meta", *_TEXTS})
    if unknown:
        raise WrongLineError(f"unknown fields: {', '.join(unknown)}")
    for name in ("prompt", *_TEXTS):
        if given.get(name) is not None and not _is_storable(given[name]):
            raise WrongLineError(f"{name} must be text")
    if not given.get("prompt"):
        raise WrongLineError("prompt is missing")
    if type(given.get("duration")) not in (int, NoneType):
        raise WrongLineError("duration must be a whole number of seconds")
    if not isinstance(given.get("meta"), dict | None):
        raise WrongLineError("meta must be a JSON object")
    return NewTask(**given)


def _is_storable(value: object) -> bool:
    """Say whether this is text that PostgreSQL can hold: no NUL, no half of a surrogate pair."""
    return isinstance(value, str) and not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value)
