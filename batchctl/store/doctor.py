"""Statements that a diagnosis asks."""

from datetime import datetime

from batchctl.domain.backlog import Backlog
from batchctl.domain.doctor import LackingRight, ModelPolls, OpenFunction, Outsider, Server
from batchctl.domain.endpoint import TroubledEndpoint
from batchctl.statement import Conn, Statement

_SERVER = Statement("doctor/server", Server)
_LACKING = Statement("doctor/lacking", LackingRight)
_OUTSIDERS = Statement("doctor/outsiders", Outsider)
_OPEN_FUNCTIONS = Statement("doctor/open_functions", OpenFunction)
_BACKLOG = Statement("doctor/backlog", Backlog)
_MODELS = Statement("doctor/models", ModelPolls)
_ENDPOINTS = Statement("doctor/endpoints", TroubledEndpoint)


def server(tx: Conn) -> Server:
    """Say which server this is and how it is reached."""
    return _SERVER.one(tx)


def lacking(tx: Conn) -> list[LackingRight]:
    """Name the rights that a worker needs and the session's role has not."""
    return _LACKING.all(tx)


def outsiders(tx: Conn) -> list[Outsider]:
    """Name other roles that may write states or money."""
    return _OUTSIDERS.all(tx)


def open_functions(tx: Conn) -> list[OpenFunction]:
    """Name functions through which whoever is there may write states or money."""
    return _OPEN_FUNCTIONS.all(tx)


def backlog(
    tx: Conn, *, overdue_before: datetime, orphaned_before: datetime, missing_since: datetime, now: datetime
) -> Backlog:
    """Say since when work is due, and what stands still since those instants."""
    return _BACKLOG.one(
        tx, overdue_before=overdue_before, orphaned_before=orphaned_before, missing_since=missing_since, now=now
    )


def models(tx: Conn, *, since: datetime) -> list[ModelPolls]:
    """Say how many polls each model needed since then."""
    return _MODELS.all(tx, since=since)


def endpoints(
    tx: Conn, *, failing_before: datetime, failed_since: datetime, shown: int, now: datetime
) -> list[TroubledEndpoint]:
    """Name endpoints that are disabled, and those that fail since before then and were tried lately, a few of each."""
    return _ENDPOINTS.all(tx, failing_before=failing_before, failed_since=failed_since, shown=shown, now=now)
