"""What is read from the text of a migration; that it is what the server does is held by tests/service/test_plan.py."""

import pytest

from batchctl.domain.ddl import Lock, TableLock, indexes_built, purpose, table_locks


@pytest.mark.parametrize(
    ("statement", "lock"),
    [
        ("alter table t add column a int;", Lock.ACCESS_EXCLUSIVE),
        ("alter table t\n-- a word\nadd column if not exists a int;", Lock.ACCESS_EXCLUSIVE),
        ("do $$ begin lock table t in access exclusive mode; end $$;", Lock.ACCESS_EXCLUSIVE),
        ("drop trigger if exists x on t;", Lock.ACCESS_EXCLUSIVE),
        ("truncate t;", Lock.ACCESS_EXCLUSIVE),
        ("create or replace trigger x before update of a, b on t for each row;", Lock.SHARE_ROW_EXCLUSIVE),
        ("create trigger x before truncate on t for each statement;", Lock.SHARE_ROW_EXCLUSIVE),
        ("create table u (id uuid references t (id) on delete cascade);", Lock.SHARE_ROW_EXCLUSIVE),
        ("lock table t in share row exclusive mode;", Lock.SHARE_ROW_EXCLUSIVE),
        ("create unique index x on t (a);", Lock.SHARE),
        ("create index concurrently if not exists x on t (a);", Lock.SHARE_UPDATE_EXCLUSIVE),
        ("update t as o set a = 1;", Lock.ROW_EXCLUSIVE),
        ("CREATE  INDEX\n x ON t (a);", Lock.SHARE),
    ],
)
def test_lock_is_read_from_the_statement(statement: str, lock: Lock) -> None:
    """Each kind of statement takes the lock that PostgreSQL's manual says it takes."""
    assert table_locks(statement) == [TableLock(table="t", lock=lock, is_rewritten=False)]


@pytest.mark.parametrize(
    "statement",
    [
        "-- alter table t add column a int;",
        "alter table t set (fillfactor = 50);",
        "create table t (id int);",
        "select id from t for no key update;",
        "comment on table t is 'x';",
    ],
)
def test_what_hinders_nobody_is_not_told(statement: str) -> None:
    """A comment, a new table, an option, a reader: none of them keeps others from a table."""
    assert table_locks(statement) == []


def test_the_strongest_lock_counts() -> None:
    """A table that is locked twice is told once."""
    locks = table_locks(
        "create trigger x after insert on t for each row; alter table t add a int; create index i on t (a);"
    )

    assert locks == [TableLock(table="t", lock=Lock.ACCESS_EXCLUSIVE, is_rewritten=False)]


@pytest.mark.parametrize(
    ("change", "is_rewritten"),
    [
        ("add column a int generated always as (1) stored", True),
        ("alter column a type bigint", True),
        ("alter column a set data type bigint", True),
        ("add column a int not null default 0", False),
    ],
)
def test_rewriting_is_told(change: str, *, is_rewritten: bool) -> None:
    """A stored expression and another type write every row anew; a constant default does not."""
    locks = table_locks(f"alter table t {change}; alter table u add column b int;")

    assert [(one.table, one.is_rewritten) for one in locks] == [("t", is_rewritten), ("u", False)]


def test_indexes_that_may_be_left_unfinished() -> None:
    """Only what is built concurrently can be left behind by a run that is killed."""
    script = "create index a on t (x);\n\ncreate unique index concurrently\nif not exists b on t (y);"

    assert indexes_built(script) == ["b"]


def test_purpose_is_the_first_sentence() -> None:
    """What a file is for stands at its beginning, behind what it tells the runner."""
    script = "-- migrate: outside a transaction\n--\n-- One thing, and\n-- why. And more.\n\nselect 1;"

    assert purpose(script) == "One thing, and why."
    assert purpose("-- No full stop\n--\n-- More.\n") == "No full stop"
    assert purpose("select 1;") == ""
