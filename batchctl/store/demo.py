"""Statements that only the demonstration needs."""

from batchctl.statement import Conn, NoRow, Statement

_CLEAR = Statement("demo/clear", NoRow)
_MOVE_TIME = Statement("demo/move_time", NoRow)


def clear(tx: Conn) -> None:
    """Empty the database."""
    _CLEAR.run(tx)


def move_time(tx: Conn, seconds: float) -> None:
    """Make everything that is due later due so many seconds earlier."""
    _MOVE_TIME.run(tx, seconds=seconds)
