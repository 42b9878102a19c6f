"""One SQL file and the row it returns, whatever the times in it; where `sql/` is found."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, cast, get_args, get_type_hints

from psycopg import Connection, Cursor, DataError, adapters
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

Conn = Connection[tuple[Any, ...]]
"""A connection as the store functions take it: inside a transaction that a service opened."""

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)
"""Between them an instant has a date in every time zone. PostgreSQL's calendar is longer, and other programs use it."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRow:
    """The row of a statement that returns none."""


@cache
def sql_dir() -> Path:
    """Return the folder of the SQL files: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    packaged = package / "_sql"
    return packaged if packaged.is_dir() else package.parent / "sql"


class _AnyInstant(Loader):
    """Reads an instant that Python cannot hold (infinity, years before 1 and after 9999) as the nearest that it can."""

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        """Leave all others to psycopg."""
        super().__init__(oid, context)
        usual = cast("type[Loader]", adapters.get_loader(oid, Format.TEXT))
        self._usual = usual(oid, context)

    def load(self, data: Buffer) -> datetime:
        """Read one as the server writes it."""
        try:
            instant: datetime = self._usual.load(data)
        except DataError:
            text = bytes(data)
            return EARLIEST if text.startswith(b"-") or text.endswith(b"BC") else LATEST
        return min(max(instant, EARLIEST), LATEST)


def read_any_instant(conn: Conn) -> None:
    """Let a connection read whatever instants other programs have written; nothing is changed in the database."""
    conn.adapters.register_loader("timestamptz", _AnyInstant)


class Statement(Generic[Row]):
    """A statement: the path of its file below `sql/` without the ending, and the class of the rows it returns.

    Rows are dataclasses whose fields are the statement's columns, by name and in order; text becomes the enum that the
    field declares. A test compares each statement with what the server says of it.
    """

    every: ClassVar[list["Statement[Any]"]] = []

    def __init__(self, name: str, row: type[Row]) -> None:
        """Register the statement; its file is read when it is first run."""
        self.name = name
        self.row = row
        self._text: bytes | None = None
        self._enums: tuple[tuple[str, type[Enum]], ...] | None = None
        Statement.every.append(self)

    @property
    def text(self) -> bytes:
        """Return the file as bytes, which psycopg takes as a text that holds no user's input."""
        if self._text is None:
            self._text = (sql_dir() / f"{self.name}.sql").read_bytes()
        return self._text

    def all(self, tx: Conn, /, **params: object) -> list[Row]:
        """Run the statement and return its rows."""
        with tx.cursor(row_factory=self._row_maker) as cursor:
            return cursor.execute(self.text, params).fetchall()

    def one(self, tx: Conn, /, **params: object) -> Row:
        """Run the statement and return its only row."""
        (row,) = self.all(tx, **params)
        return row

    def run(self, tx: Conn, /, **params: object) -> int:
        """Run the statement and return how many rows it changed."""
        with tx.cursor() as cursor:
            return cursor.execute(self.text, params).rowcount

    def copy(self, tx: Conn, rows: Iterable[Sequence[object]]) -> int:
        """Run the statement, a `copy … from stdin`, on a stream of rows; return how many there were."""
        with tx.cursor() as cursor:
            with cursor.copy(self.text) as stream:
                for row in rows:
                    stream.write_row(row)
            return cursor.rowcount

    def _row_maker(self, cursor: Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
        names = [column.name for column in cursor.description or ()]
        if self._enums is None:
            self._enums = _enum_fields(self.row)
        enums = self._enums

        def make(values: Sequence[Any]) -> Row:
            columns = dict(zip(names, values, strict=True))
            for name, enum in enums:
                if columns[name] is not None:
                    columns[name] = enum(columns[name])
            return self.row(**columns)

        return make


def _enum_fields(row: type[object]) -> tuple[tuple[str, type[Enum]], ...]:
    """Return the fields of a row class that are enums, optional or not."""
    hints = get_type_hints(row)
    return tuple(
        (field.name, hint)
        for field in fields(row)  # type: ignore[arg-type]  # every row class is a dataclass; a test holds it
        for hint in (hints[field.name], *get_args(hints[field.name]))
        if isinstance(hint, type) and issubclass(hint, Enum)
    )
