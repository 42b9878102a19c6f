"""What is on hold: rows that the database or a rule would not let through, until an operator releases them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class HoldKind(StrEnum):
    """What can be on hold."""

    BATCH = "batch"
    TASK = "task"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLine:
    """A row on hold."""

    kind: HoldKind
    id: UUID
    batch_id: UUID
    """Its own id, where it is a batch."""
    batch_index: int | None
    user_id: UUID
    status: str
    """Other programs write it too."""
    hold_reason: str
    held_since: datetime | None
    """When the row was last written, which is when it was held: no stage touches it."""
    needs_decision: bool
    """Whether nobody knows if the provider has this task; BATCH_ORPHAN_POLICY=hold would hold it again."""
    credits: int
    """What is frozen for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldsWanted:
    """Which rows on hold are meant; what is None narrows nothing."""

    ids: tuple[UUID, ...] | None = None
    """Of batches or tasks; that of a batch stands for its tasks on hold, too."""
    user_id: UUID | None = None
    since: datetime | None = None
    """Of `held_since`, itself included."""
    until: datetime | None = None
    """Itself left out."""
    reason: str | None = None
    """What the reason of the hold contains, in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldList:
    """What is on hold, the longest first."""

    schema: str = "batchctl/hold.list/1"
    holds: tuple[HoldLine, ...]
    more: bool
    """Whether more match than were asked for."""

    @property
    def credits(self) -> int:
        """Return what is frozen for all of them."""
        return credits_of(self.holds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseLine:
    """A row that was on hold, and what came of its release."""

    kind: HoldKind
    id: UUID
    batch_id: UUID
    user_id: UUID
    status: str
    hold_reason: str
    """What it was held for."""
    credits: int
    released: bool
    """False in a rehearsal, where somebody else released it first, or where the database refused that."""
    error: str | None
    """What the database said against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReport:
    """What was released, or would be."""

    schema: str = "batchctl/hold.release/1"
    dry_run: bool
    holds: tuple[ReleaseLine, ...]

    @property
    def released_count(self) -> int:
        """Return how many go on now."""
        return sum(line.released for line in self.holds)


def credits_of(holds: Iterable[HoldLine]) -> int:
    """Return what is frozen for rows on hold; a task of a batch that is among them has its credits there."""
    holds = list(holds)
    batches = {line.id for line in holds if line.kind is HoldKind.BATCH}
    return sum(line.credits for line in holds if line.kind is HoldKind.BATCH or line.batch_id not in batches)
