"""What an operator changed by hand: who, when, why, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Outcome(StrEnum):
    """The values of `operator_actions.outcome`; one that stays running was killed."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What an operator called, and who that is as far as the system tells."""

    os_user: str
    host: str
    name: str
    """Such as `batch cancel`."""
    arguments: dict[str, str | int | bool | list[str]]
    """By the names of the parameters, without secrets and without what was left out."""
    reason: str | None


@dataclass(slots=True, kw_only=True)
class Tally:
    """What an action has come to so far; whoever acts counts in it."""

    matched_count: int = 0
    """Rows that the selector found."""
    changed_count: int = 0
    credits: int = 0
    """What was moved, frozen or will be given back, in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLine:
    """An action as it is listed."""

    id: UUID
    began_at: datetime
    ended_at: datetime | None
    os_user: str
    host: str
    command: str
    arguments: dict[str, object]
    reason: str | None
    matched_count: int
    changed_count: int
    credits: int
    outcome: Outcome
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionList:
    """Actions, the newest first."""

    schema: str = "batchctl/history/1"
    actions: tuple[ActionLine, ...]
    more: bool
    """Whether more match than were asked for."""
