"""Which batch an operator means: a whole id, or as much of its beginning as tells it from the others."""

import re
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from batchctl.db import Database
from batchctl.domain.problem import UsageProblem
from batchctl.store import batches

SHORTEST = 4
"""Fewer digits are more likely a slip than an id."""
_SHOWN = 3


def pick(db: Database, written: Iterable[str]) -> list[UUID]:
    """Return the batches that are meant, each once, in the order in which they were written.

    Raises UsageProblem for one that is no id, that no batch has, or that fits several.
    """

    def find(first: UUID, last: UUID, limit: int) -> list[UUID]:
        return db.ask(lambda tx: batches.pick(tx, first, last, batch_limit=limit))

    return list(dict.fromkeys(pick_one(text, find, "batch", "batches", "batchctl batch list") for text in written))


def pick_one(text: str, find: Callable[[UUID, UUID, int], Sequence[UUID]], noun: str, nouns: str, listing: str) -> UUID:
    """Return the row whose id is written, or begins so; `find(first, last, limit)` finds those whose ids lie between.

    Raises UsageProblem, which says what rows of that kind are called and which command lists them.
    """
    digits = text.strip().lower().replace("-", "")
    if not re.fullmatch(f"[0-9a-f]{{{SHORTEST},32}}", digits):
        message = f"{text[:40]!r} is no {noun}: write its id, or the first digits of it, at least {SHORTEST}"
        raise UsageProblem(message)
    found = find(UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f")), _SHOWN)
    if not found:
        message = f"there is no {noun} {text}: `{listing}` shows which there are"
        raise UsageProblem(message)
    if len(found) > 1:
        fitting = ", ".join(str(row_id) for row_id in found)
        message = f"{text} fits several {nouns}, among them {fitting}: write more of it"
        raise UsageProblem(message)
    return found[0]
