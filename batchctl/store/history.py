"""Statements on batchctl_migrations, the table of applied migrations, and on what migrations meet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from batchctl.statement import Conn, NoRow, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedMigration:
    """A migration that was applied, with the digest of the file as it was then."""

    number: int
    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSize:
    """How large a table is."""

    name: str
    row_count: int | None
    """As the server last counted; None: it never did."""
    size_bytes: int
    """With all indexes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exists:
    exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Locked:
    locked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _SearchPath:
    search_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    name: str


_CREATE = Statement("history/create", NoRow)
_EXISTS = Statement("history/exists", _Exists)
_LIST = Statement("history/list", AppliedMigration)
_INSERT = Statement("history/insert", NoRow)
_LOCK = Statement("history/lock", _Locked)
_UNLOCK = Statement("history/unlock", NoRow)
_FIX_SCHEMA = Statement("history/fix_schema", _SearchPath)
_ONLY_READ = Statement("history/only_read", NoRow)
_MEASURE_TABLES = Statement("history/measure_tables", TableSize)
_FIND_UNFINISHED = Statement("history/find_unfinished", _Name)


def create(tx: Conn) -> None:
    """Make the table if it is missing."""
    _CREATE.run(tx)


def exists(tx: Conn) -> bool:
    """Say whether the table is there."""
    return _EXISTS.one(tx).exists


def list_applied(tx: Conn) -> list[AppliedMigration]:
    """List what was applied, in order."""
    return _LIST.all(tx)


def insert(tx: Conn, migration: AppliedMigration, *, now: datetime) -> None:
    """Remember that a migration was applied."""
    _INSERT.run(tx, number=migration.number, name=migration.name, sha256=migration.sha256, now=now)


def lock(tx: Conn) -> bool:
    """Try to become, or stay, the only session that migrates; say whether it is."""
    return _LOCK.one(tx).locked


def unlock(tx: Conn) -> None:
    """Let others migrate."""
    _UNLOCK.run(tx)


def fix_schema(tx: Conn) -> bool:
    """Fix the session to the schema in which it makes tables; say whether there is one."""
    return bool(_FIX_SCHEMA.all(tx))


def only_read(tx: Conn) -> None:
    """Have the server refuse whatever the transaction would write; to be called first in it."""
    _ONLY_READ.run(tx)


def measure_tables(tx: Conn, names: Sequence[str]) -> list[TableSize]:
    """Say how large those of the tables are that exist."""
    return _MEASURE_TABLES.all(tx, names=names)


def find_unfinished(tx: Conn, names: Sequence[str]) -> list[str]:
    """Name those of the indexes that an interrupted build has left unfinished."""
    return [found.name for found in _FIND_UNFINISHED.all(tx, names=names)]
