"""Addresses of databases: taken apart as libpq does it, and told without what may be a secret."""

from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from batchctl.domain.problem import ConfigProblem

HARMLESS = ("service", "host", "hostaddr", "port", "dbname", "user", "sslmode", "target_session_attrs")
"""What is told of an address; all else may be a secret, or lead to one."""


def read(conninfo: str) -> dict[str, Any]:
    """Take an address apart; ConfigProblem, without a word of it, when libpq cannot."""
    try:
        return conninfo_to_dict(conninfo)
    except ProgrammingError:
        # Not from it: it quotes the address.
        message = "BATCHCTL_DATABASE_URL cannot be read: it must be a URL (postgresql://…) or `key=value` pairs"
        raise ConfigProblem(message) from None


def describe(conninfo: str) -> str:
    """Say where an address leads and as whom, without its password; ConfigProblem when it cannot be read."""
    given = read(conninfo)
    return make_conninfo("", **{name: given[name] for name in HARMLESS if given.get(name) not in {None, ""}})
