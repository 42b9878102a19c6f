"""A task to enqueue, made of the fields of a batch file, and what may be wrong with those."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any, cast
from urllib.parse import urlsplit

FIELDS = ("prompt", "model", "reference_url", "aspect_ratio", "size", "duration", "meta")
DEFAULT_MODEL = "sora-2"
MAX_TEXT_CHARS = 100_000
"""No provider takes a longer prompt."""
MAX_DEPTH = 100
LONGEST_DURATION_S = 2**31 - 1

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_SHOWN_NAMES = 10
_SHOWN_CHARS = 40


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
    """In seconds."""
    size: str | None = None
    meta: dict[str, Any] | None = None


def new_task(given: Mapping[str, object]) -> NewTask:
    """Make a task of the fields of a line, where blank text counts as absent; WrongLineError says all that is wrong."""
    fields = {name: value for name, value in given.items() if not (value is None or _is_blank(value))}
    unknown = [name for name in given if name not in FIELDS]
    wrong = [f"unknown fields: {names(unknown)}"] if unknown else []
    if "prompt" not in fields:
        wrong.append("prompt is missing")
    wrong += [f"{name} {fault}" for name, value in fields.items() if name in FIELDS and (fault := _fault(name, value))]
    if wrong:
        raise WrongLineError("; ".join(wrong))
    # Models and sizes are few: the same text is kept once for all tasks.
    shared = {name: intern(str(fields[name])) for name in ("model", "aspect_ratio", "size") if name in fields}
    return NewTask(**cast("dict[str, Any]", fields | shared))


def is_storable(text: str) -> bool:
    """Say whether PostgreSQL can hold a text: no NUL, no half of a surrogate pair."""
    return not _UNSTORABLE.search(text)


def names(given: list[str]) -> str:
    """List names that may be of any length and number."""
    shown = [name if len(name) <= _SHOWN_CHARS else f"{name[:_SHOWN_CHARS]}…" for name in given[:_SHOWN_NAMES]]
    return ", ".join(shown) + (" …" if len(given) > len(shown) else "")


def _fault(name: str, value: object) -> str | None:
    """Say what is wrong with a field, None if nothing is."""
    match name:
        case "duration":
            is_usable = type(value) is int and 0 < value <= LONGEST_DURATION_S
            return None if is_usable else f"must be a whole number of seconds from 1 to {LONGEST_DURATION_S}"
        case "meta":
            return _unstorable(cast("object", value)) if isinstance(value, dict) else "must be a JSON object"
        case "reference_url":
            return _text_fault(value) or _address_fault(str(value))
        case _:
            return _text_fault(value)


def _text_fault(value: object) -> str | None:
    if not isinstance(value, str):
        return "must be text"
    if len(value) > MAX_TEXT_CHARS:
        return f"is longer than {MAX_TEXT_CHARS} characters"
    return _unstorable(value)


def _address_fault(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_usable = False
    # urlsplit drops line ends and tabs without a word.
    if not is_usable or not url.isprintable() or " " in url:
        return "must be an address that begins with http:// or https://"
    return None


def _unstorable(value: object, depth: int = 0) -> str | None:
    """Say what of a JSON value the database cannot hold; None if it can."""
    if isinstance(value, str):
        return None if is_storable(value) else "holds a NUL or half a character, which the database cannot store"
    if isinstance(value, float) and not math.isfinite(value):
        return "holds a number that is too large"
    if not isinstance(value, dict | list):
        return None
    if depth == MAX_DEPTH:
        return f"is nested deeper than {MAX_DEPTH} levels"
    parts: Iterable[object]
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        parts = [*fields, *fields.values()]
    else:
        parts = cast("list[object]", value)
    return next((fault for part in parts if (fault := _unstorable(part, depth + 1))), None)


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and (not value or value.isspace())
