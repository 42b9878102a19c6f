"""Every statement against the server: it can be prepared, its columns are those of its class, its values fit."""

import importlib
import pkgutil
import re
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from psycopg.pq import ExecStatus

from batchctl import store
from batchctl.statement import Statement, sql_dir
from tests.conftest import Conn

for _module in pkgutil.iter_modules(store.__path__):
    importlib.import_module(f"batchctl.store.{_module.name}")

STATEMENTS = sorted(
    (statement for statement in Statement.every if (sql_dir() / f"{statement.name}.sql").is_file()),
    key=lambda statement: statement.name,
)
PARAMETER = re.compile(r"%\((\w+)\)s")
SERVER_TYPES = {
    UUID: {"uuid"},
    str: {"text"},
    int: {"int2", "int4", "int8"},
    float: {"float8"},
    bool: {"bool"},
    datetime: {"timestamptz"},
    Any: {"jsonb"},
    dict: {"jsonb"},
    Sequence: {"_text"},
}
"""What the driver turns into each Python type, exactly."""


class Described(NamedTuple):
    """What the server says of a statement."""

    parameters: int
    columns: list[tuple[str, str]]
    """Name and type."""


def names_in(statement: Statement[Any]) -> list[str]:
    """Return the parameters that a file names, in the order of their first use."""
    return list(dict.fromkeys(PARAMETER.findall(statement.text.decode())))


def describe(conn: Conn, statement: Statement[Any]) -> Described:
    """Prepare a statement and ask the server about it."""
    numbers = {name: f"${number}" for number, name in enumerate(names_in(statement), 1)}
    text = PARAMETER.sub(lambda found: numbers[found[1]], statement.text.decode()).replace("%%", "%")
    prepared = conn.pgconn.prepare(b"described", text.encode())
    assert prepared.status == ExecStatus.COMMAND_OK, f"{statement.name}: {prepared.error_message.decode()}"
    described = conn.pgconn.describe_prepared(b"described")
    conn.execute("deallocate described")
    names = [(described.fname(number) or b"").decode() for number in range(described.nfields)]
    oids = [described.ftype(number) for number in range(described.nfields)]
    types: dict[int, str] = dict(
        conn.execute("select oid::int, typname::text from pg_type where oid::int = any(%s)", [oids]).fetchall()
    )
    return Described(described.nparams, [(name, types[oid]) for name, oid in zip(names, oids, strict=True)])


def python_type(hint: Any) -> Any:
    """Return the plain type that a column must turn into: without None, the text of an enum, the class of a generic."""
    if get_origin(hint) in {Union, UnionType}:
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return str
    return cast("Any", get_origin(hint) or hint)


def test_server_knows_all_that_is_named(db_connection: Conn) -> None:
    """Each statement can be prepared on the migrated schema, with the parameters that its file names and no other."""
    misread = [
        statement.name
        for statement in STATEMENTS
        if describe(db_connection, statement).parameters != len(names_in(statement))
    ]
    assert misread == []


def test_columns_are_the_fields_of_the_row(db_connection: Conn) -> None:
    """A statement returns the fields of its class, by name and in order; one without a class returns nothing."""
    returned: dict[str, list[str]] = {}
    declared: dict[str, list[str]] = {}
    for statement in STATEMENTS:
        columns = describe(db_connection, statement).columns
        returned[statement.name] = [name for name, type_name in columns if type_name != "void"]
        declared[statement.name] = [field.name for field in fields(statement.row)]
    assert returned == declared


def test_values_turn_into_what_the_fields_declare(db_connection: Conn) -> None:
    """The server's type of each column is one that the driver turns into the type of its field, exactly."""
    misfits = [
        (statement.name, name, type_name, hint)
        for statement in STATEMENTS
        for (name, type_name), hint in zip(
            describe(db_connection, statement).columns, get_type_hints(statement.row).values(), strict=False
        )
        if type_name not in SERVER_TYPES[python_type(hint)]
    ]
    assert misfits == []


def test_no_percent_sign_is_alone() -> None:
    """A percent sign is doubled, or begins a parameter: the driver takes anything else for one that is misspelt."""
    alone = [
        statement.name
        for statement in STATEMENTS
        if "%" in PARAMETER.sub("", statement.text.decode()).replace("%%", "")
    ]
    assert alone == []
