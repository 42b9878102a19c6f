"""Which batch an operator means: a whole id, or as much of its beginning as tells it from the others."""

import re
from collections.abc import Iterable
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
    return list(dict.fromkeys(_pick_one(db, text) for text in written))


def _pick_one(db: Database, text: str) -> UUID:
    digits = text.strip().lower().replace("-", "")
    if not re.fullmatch(f"[0-9a-f]{{{SHORTEST},32}}", digits):
        message = f"{text[:40]!r} is no batch: write its id, or the first digits of it, at least {SHORTEST}"
        raise UsageProblem(message)
    first, last = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    found = db.ask(lambda tx: batches.pick(tx, first, last, batch_limit=_SHOWN))
    if not found:
        message = f"there is no batch {text}: `batchctl batch list` shows which there are"
        raise UsageProblem(message)
    if len(found) > 1:
        fitting = ", ".join(str(batch_id) for batch_id in found)
        message = f"{text} fits several batches, among them {fitting}: write more of it"
        raise UsageProblem(message)
    return found[0]
