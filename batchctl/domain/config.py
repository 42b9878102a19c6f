"""What operators are shown of the settings: values and where they come from; of secrets only that they are set."""

from dataclasses import dataclass
from enum import StrEnum
from typing import cast
from urllib.parse import urlsplit

SET = "set"
NOT_SET = "not set"
WRONG = "wrong"
HIDDEN = "…"
"""Stands for what may be a secret."""


class Source(StrEnum):
    """Where a value comes from."""

    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingLine:
    """A setting as it is listed."""

    variable: str
    """The one that was read; of a setting that has two names and none of them, the one that counts first."""
    value: str
    source: Source
    is_secret: bool
    problem: str | None
    """Of a value that is wrong, which is not shown: what it must be."""
    default: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigReport:
    """Every setting."""

    schema: str = "batchctl/config.show/1"
    settings: tuple[SettingLine, ...]


def shown(value: object) -> str:
    """Write a value that is no secret, as it is written in the environment."""
    if value is None:
        return NOT_SET
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(f"{number:g}" for number in cast("tuple[float, ...]", value))
    return address(str(value))


def address(text: str) -> str:
    """Return a text, and of a URL no user, no password and no query."""
    if "://" not in text:
        return text
    try:
        parts = urlsplit(text)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return HIDDEN
    user = f"{HIDDEN}@" if "@" in parts.netloc else ""
    query = f"?{HIDDEN}" if parts.query or parts.fragment else ""
    return f"{parts.scheme}://{user}{host}{parts.path}{query}"
