"""Statements on pauses."""

from collections.abc import Iterable
from datetime import datetime

from batchctl.domain.pause import Pause, Stage
from batchctl.statement import Conn, NoRow, Statement

_FIND = Statement("pauses/find", Pause)
_LIST = Statement("pauses/list", Pause)
_BEGIN = Statement("pauses/begin", NoRow)
_END = Statement("pauses/end", NoRow)


def find(tx: Conn, stage: Stage) -> Pause | None:
    """Return the pause of a stage, None while it works."""
    return next(iter(_FIND.all(tx, stage=str(stage))), None)


def list_all(tx: Conn) -> list[Pause]:
    """List the stages that are paused."""
    return _LIST.all(tx)


def begin(tx: Conn, stages: Iterable[Stage], *, os_user: str, host: str, reason: str, now: datetime) -> None:
    """Pause stages; one that is paused already stays so since then, for the new reason."""
    _BEGIN.run(tx, stages=[str(stage) for stage in stages], os_user=os_user, host=host, reason=reason, now=now)


def end(tx: Conn, stages: Iterable[Stage], *, now: datetime) -> int:
    """Let stages go on; return how many were paused."""
    return _END.run(tx, stages=[str(stage) for stage in stages], now=now)
