"""Statements on account_breaker."""

from datetime import datetime

from batchctl.domain.breaker import OpenBreaker
from batchctl.statement import Conn, NoRow, Statement

_FIND = Statement("breaker/find", OpenBreaker)
_PROBE = Statement("breaker/probe", NoRow)
_OPEN = Statement("breaker/open", NoRow)
_CLOSE = Statement("breaker/close", NoRow)


def find(tx: Conn, *, provider_host: str) -> OpenBreaker | None:
    """Return the open breaker of the provider at that address; None: its account is good as far as is known."""
    return next(iter(_FIND.all(tx, provider_host=provider_host)), None)


def probe(tx: Conn, *, provider_host: str, next_probe_at: datetime, now: datetime) -> bool:
    """Take the turn to try one task, if it is time; say whether it is ours."""
    return bool(_PROBE.run(tx, provider_host=provider_host, next_probe_at=next_probe_at, now=now))


def open_(tx: Conn, *, provider_host: str, reason: str, probe_at: datetime, now: datetime) -> None:
    """Open the breaker, or change the reason of an open one."""
    _OPEN.run(tx, provider_host=provider_host, reason=reason, probe_at=probe_at, now=now)


def close(tx: Conn, *, provider_host: str) -> None:
    """Close the breaker."""
    _CLOSE.run(tx, provider_host=provider_host)
