"""The roles of sql/roles in the database of a test, and logins that have them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from batchctl.service.psql import role_script
from tests.conftest import Conn
from tests.psql import psql

NAMES = ("batch_worker", "batch_operator", "batch_viewer", "batch_application")


class Roles:
    """The roles of one database: their names carry its name, for a server's roles belong to all its databases."""

    def __init__(self, dsn: str, conn: Conn) -> None:
        """Take an address of the owner, and a connection of theirs."""
        self.dsn = dsn
        self.conn = conn
        self.names = {name: f"{conn.info.dbname}_{name}" for name in NAMES}

    def script(self, name: str) -> str:
        """Return the script of a role, with the names of this database."""
        return re.sub(r"\b(" + "|".join(NAMES) + r")\b", lambda found: self.names[found[1]], role_script(name))

    def make(self, name: str) -> None:
        """Run a script as its operator does."""
        ran = psql(self.dsn, self.script(name))
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")

    def login(self, name: str) -> str:
        """Return the address under which a login that has this role, and nothing else, is at work."""
        return make_conninfo(self.dsn, options=f"-c role={self.names[name]}_login")

    def all(self) -> list[str]:
        """Return the names of all roles, logins first."""
        return [*(f"{name}_login" for name in self.names.values()), *self.names.values()]


@contextmanager
def made(dsn: str) -> Iterator[Roles]:
    """Make all roles and a login with each, and drop them in the end."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        roles = Roles(dsn, conn)
        for name in roles.all():  # those of a run that was killed; their database is gone
            conn.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(name)))
        try:
            for name, here in roles.names.items():
                roles.make(name)
                login, group = sql.Identifier(f"{here}_login"), sql.Identifier(here)
                conn.execute(sql.SQL("create role {} login in role {}").format(login, group))
            yield roles
        finally:
            for name in roles.all():
                with suppress(errors.UndefinedObject):
                    conn.execute(sql.SQL("drop owned by {}").format(sql.Identifier(name)))
                    conn.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))
