"""Databases for histories: one serves all, and a new one is made whenever a history has left it in disorder."""

from itertools import count
from typing import Any, Self

from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo


class Databases:
    """Databases for machines: one for all, and a new one whenever a machine has left its own in disorder."""

    def __init__(self, admin: Connection[Any], template: str) -> None:
        """Take a server and the migrated template on it."""
        self._admin = admin
        self._template = template
        self._names = count(1)
        self._dsn: str | None = None
        self._made: list[str] = []
        self.numbers = count(1)

    def __enter__(self) -> Self:
        """Give the databases."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop all of them."""
        for name in self._made:
            self._admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def take(self) -> str:
        """Return the address of a database in which nothing is open; it is used up unless it is given back."""
        dsn, self._dsn = self._dsn, None
        return dsn or self._make()

    def give_back(self, dsn: str) -> None:
        """Say that all is in order in a database."""
        self._dsn = dsn

    def _make(self) -> str:
        name = f"{self._template}_machine_{next(self._names)}"
        self._made.append(name)
        self._admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        create = sql.SQL("create database {} template {} strategy file_copy")
        self._admin.execute(create.format(sql.Identifier(name), sql.Identifier(self._template)))
        info = self._admin.info
        return make_conninfo(host=info.host, port=info.port, user=info.user, password=info.password, dbname=name)
