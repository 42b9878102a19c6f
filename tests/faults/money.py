"""What customers may be charged, reckoned from what they enqueued and what the provider says that it made.

It is written without the program's own arithmetic: it knows prompts and prices, and nothing of how work is done.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(slots=True, kw_only=True)
class Bought:
    """A batch as its customer enqueued it."""

    batch_id: UUID
    price: int | None
    total: int
    """As the batch's row says; the number of its tasks may differ."""
    prompts: list[str] = field(repr=False)
    """Of the tasks that are there."""
    missing: list[str] = field(default_factory=list[str], repr=False)
    good: set[str] = field(repr=False)
    """The prompts of tasks that succeed, if nothing else befalls them."""
    bonus_limit: int | None
    """So many bonus credits may be frozen for it; None: that is not known."""
    is_told: bool

    @property
    def required(self) -> int:
        """Return what is frozen for it, when it is."""
        return 0 if self.refusal() == "INVALID_BATCH" else self.total * (self.price or 0)

    def refusal(self) -> str | None:
        """Return the reason for which it must be refused as it stands, whatever its customer has."""
        if self.price is None or self.price < 0 or self.total <= 0:
            return "INVALID_BATCH"
        return "TASK_COUNT_MISMATCH" if len(self.prompts) != self.total else None

    def videos(self, made: AbstractSet[str], excused: AbstractSet[str]) -> tuple[int, int]:
        """Return of how many videos its customer is charged at least and at most.

        `made` are the prompts of which the provider told a video, `excused` those of which it may have told too late.
        """
        mine = made & {*self.prompts}
        return len(mine - excused), len(mine)


@dataclass(slots=True, kw_only=True)
class Customer:
    """What a customer was given, and what he enqueued."""

    user_id: UUID
    permanent: int
    """At the beginning: bonus credits may expire and later purchases may come too late, so only this is certain."""
    bonus_until: datetime
    given: int
    """All that he was ever given, less what other programs took."""
    taken: int = 0
    """By other programs."""
    batches: list[Bought] = field(default_factory=list[Bought], repr=False)

    def least(self) -> int:
        """Return what he must have at any time, though all that he enqueued were frozen."""
        return self.given - sum(batch.required for batch in self.batches)

    def may_refuse(self, batch: Bought, reason: str | None) -> bool:
        """Say whether a batch may have been refused for this reason, or for none, in a way that holds at any time."""
        if batch.refusal() is not None:
            return reason == batch.refusal()
        if reason is None:
            return batch.required <= self.given + self.taken
        others = sum(other.required for other in self.batches if other is not batch)
        had_enough = self.permanent - self.taken - others >= batch.required
        return reason == "INSUFFICIENT_CREDITS" and not had_enough
