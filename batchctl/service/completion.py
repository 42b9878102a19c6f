"""What shells complete."""

import re
from uuid import UUID

from batchctl.db import Database
from batchctl.store import completion
from batchctl.store.completion import OpenBatch

_WHOLE = "00000000-0000-0000-0000-000000000000"


def open_batches(db: Database, begun: str, *, limit: int) -> list[OpenBatch]:
    """Return the newest open batches whose ids begin so; none for what is no beginning of an id."""
    if len(begun) > len(_WHOLE) or not re.fullmatch(r"[0-9a-fA-F-]*", begun):
        return []
    try:
        first = UUID(begun + _WHOLE[len(begun) :])
        last = UUID(begun + _WHOLE.replace("0", "f")[len(begun) :])
    except ValueError:  # a hyphen where none belongs
        return []
    return db.ask(lambda tx: completion.batches(tx, first, last, batch_limit=limit))
