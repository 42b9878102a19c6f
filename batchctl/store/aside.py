"""The statement that keeps rows out of the way of searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from batchctl.statement import Conn, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id:
    id: UUID


_LOCK = Statement("aside/lock", _Id)


def lock(tx: Conn, ids: Sequence[UUID]) -> None:
    """Hold batches, tasks or deliveries: until the transaction ends, searches that skip locked rows pass over them."""
    _LOCK.all(tx, ids=ids)
