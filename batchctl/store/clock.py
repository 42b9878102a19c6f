"""The database's clock."""

from dataclasses import dataclass
from datetime import datetime

from batchctl.statement import Conn, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Now:
    now: datetime


_NOW = Statement("clock/now", _Now)


def now(tx: Conn) -> datetime:
    """Say what time it is."""
    return _NOW.one(tx).now
