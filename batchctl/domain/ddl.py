"""What the statements of a migration do to tables that others use at the same time, read from their text.

A test compares this with what the server really locks and rewrites, for every migration. It tells the most that can
happen: a statement that only runs on some databases counts.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Lock(StrEnum):
    """How a table is locked, in PostgreSQL's words, the weakest first."""

    ROW_EXCLUSIVE = "row exclusive"
    """Others read and write; who changes one of the rows that the migration changes waits."""
    SHARE_UPDATE_EXCLUSIVE = "share update exclusive"
    """Others read and write: an index is built concurrently."""
    SHARE = "share"
    """Others read."""
    SHARE_ROW_EXCLUSIVE = "share row exclusive"
    """Others read."""
    ACCESS_EXCLUSIVE = "access exclusive"
    """Nobody else reads or writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLock:
    """The strongest lock that a migration takes on one table."""

    table: str
    lock: Lock
    is_rewritten: bool
    """Whether all rows are written anew under it, which takes as long as they are many."""


_COMMENT = re.compile(r"--[^\n]*")
_REWRITE = re.compile(r"\bstored\b|\balter column \w+ (set data )?type\b")
_INDEX = re.compile(r"\bcreate (?:unique )?index (concurrently )?(?:if not exists )?(\w+) on (\w+)")
_STATEMENTS = {
    re.compile(r"\balter table (?:if exists )?(?:only )?(\w+) (?!set \()"): Lock.ACCESS_EXCLUSIVE,
    re.compile(r"\block table (\w+) in access exclusive"): Lock.ACCESS_EXCLUSIVE,
    re.compile(r"\b(?:truncate|drop table)(?: if exists)? (?!on )(\w+)"): Lock.ACCESS_EXCLUSIVE,
    re.compile(r"\bdrop (?:trigger|policy)(?: if exists)? \w+ on (\w+)"): Lock.ACCESS_EXCLUSIVE,
    re.compile(r"\block table (\w+) in share row exclusive"): Lock.SHARE_ROW_EXCLUSIVE,
    re.compile(r"\btrigger \w+ (?:before|after) [\w, ]+? on (\w+)"): Lock.SHARE_ROW_EXCLUSIVE,
    re.compile(r"\breferences (\w+)"): Lock.SHARE_ROW_EXCLUSIVE,
    re.compile(r"\b(?:update|delete from) (\w+) (?:as \w+ )?(?:set|using|where)\b"): Lock.ROW_EXCLUSIVE,
}


def table_locks(script: str) -> list[TableLock]:
    """Name the tables whose use by others a script touches, each with the strongest lock that it takes on it."""
    text = re.sub(r"\s+", " ", _COMMENT.sub("", script)).lower()
    found = [(table, lock) for pattern, lock in _STATEMENTS.items() for table in pattern.findall(text)]
    found += [
        (table, Lock.SHARE_UPDATE_EXCLUSIVE if concurrently else Lock.SHARE)
        for concurrently, _, table in _INDEX.findall(text)
    ]
    strongest = {table: max((lock for name, lock in found if name == table), key=_strength) for table, _ in found}
    rewritten = {
        table
        for statement in text.split(";")
        for table in re.findall(r"\balter table (\w+)", statement)
        if _REWRITE.search(statement)
    }
    return [
        TableLock(table=table, lock=lock, is_rewritten=table in rewritten) for table, lock in sorted(strongest.items())
    ]


def indexes_built(script: str) -> list[str]:
    """Name the indexes that a script builds concurrently: those that a killed run leaves behind unfinished."""
    text = re.sub(r"\s+", " ", _COMMENT.sub("", script)).lower()
    return [name for concurrently, name, _ in _INDEX.findall(text) if concurrently]


def purpose(script: str) -> str:
    """Return the first sentence of the comment with which a script begins, its words for the runner left out."""
    lines: list[str] = []
    for line in script.splitlines():
        if not line.startswith("--"):
            break
        words = line.removeprefix("--").strip()
        if words.startswith("migrate:"):
            continue
        if not words and lines:
            break
        lines.append(words)
    return re.split(r"(?<=[.!?])\s", " ".join(lines).strip(), maxsplit=1)[0]


def _strength(lock: Lock) -> int:
    return list(Lock).index(lock)
