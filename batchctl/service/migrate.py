"""Migrations: forward only, each file once, under one lock, with a digest that tells when a file was edited since."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from batchctl.db import Database
from batchctl.domain.adoption import AdoptionReport
from batchctl.domain.clock import Sleep
from batchctl.domain.problem import BusyProblem, ConfigProblem, Problem, RowsRejectedError, SchemaProblem
from batchctl.statement import Conn, sql_dir
from batchctl.store import clock, history
from batchctl.store.history import AppliedMigration

OUTSIDE = b"-- migrate: outside a transaction"
"""First words of a file whose statements run one by one, as an index that is built concurrently must; a blank line ends
each. A run that breaks off is repeated from the first one, so each must find what it has made already."""
OUTSIDE_TRIES = 3
LOCK_TRIES = 300
LOCK_WAIT_S = 0.2
"""Another migration is waited for a minute; it is asked for by trying, see sql/history/lock.sql."""
SESSION = {"lock_timeout": "5s", "statement_timeout": "0"}
"""A migration may work long, but must not make others queue behind its wait for a lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A file of statements that define something."""

    name: str
    text: bytes

    @property
    def runs_outside(self) -> bool:
        """Say whether its statements run one by one and not in a transaction."""
        return self.text.startswith(OUTSIDE)

    @property
    def statements(self) -> list[bytes]:
        """Return what is run at once: the whole file, or single statements where the file asks for that."""
        if not self.runs_outside:
            return [self.text]
        return [part for part in re.split(rb";\s*\n\s*\n", self.text) if _has_statement(part)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration(Script):
    """One file of sql/migrations."""

    number: int

    @property
    def sha256(self) -> str:
        """Return the digest of the file."""
        return hashlib.sha256(self.text).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateReport:
    """What was applied, and what is pending (with --check)."""

    applied: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    adoption: AdoptionReport | None = None
    """How a database stands that was the original worker's; None for one of our own, and with --check."""


def migrations(directory: Path | None = None) -> list[Migration]:
    """Read all migrations in order; `directory` replaces that of this version."""
    files = sorted((directory or sql_dir() / "migrations").glob("[0-9]*.sql"))
    return [Migration(number=int(file.name[:4]), name=file.stem, text=file.read_bytes()) for file in files]


def pending(db: Database, known: Sequence[Migration] | None = None) -> list[Migration]:
    """Return what is still to be applied, in order; ConfigProblem when an applied file was edited since."""
    known = migrations() if known is None else known
    return db.ask(lambda tx: pending_in(tx, known))


def pending_in(tx: Conn, known: Sequence[Migration]) -> list[Migration]:
    """Like `pending`, in a transaction of the caller's."""
    return _pending(known, history.list_applied(tx) if history.exists(tx) else [])


def need_migrated(db: Database) -> None:
    """Raise ConfigProblem unless every migration is applied."""
    missing = pending(db)
    if missing:
        count = f"{len(missing)} migration{'s are' if len(missing) > 1 else ' is'} pending"
        message = f"the schema is not migrated, {count}, first {missing[0].name}: run `batchctl migrate`"
        raise ConfigProblem(message)


def migrate(db: Database, sleep: Sleep, known: Sequence[Migration] | None = None) -> MigrateReport:
    """Apply what is pending; waits for another migration that is under way, and then finds nothing to do.

    Each file is applied whole or not at all; what one that runs outside a transaction has done when it breaks off, the
    next run completes. Raises Problem when another migration, or a table in use, is in the way for too long,
    ConfigProblem when the role lacks a right or the database is not one that can be migrated.
    """
    with alone(db, sleep):
        db.ask(history.create)
        applied: list[str] = []
        for migration in pending(db, known):
            record = AppliedMigration(number=migration.number, name=migration.name, sha256=migration.sha256)
            run_script(db, migration, partial(history.insert, migration=record, now=db.ask(clock.now)))
            applied.append(migration.name)
    return MigrateReport(applied=tuple(applied))


@contextmanager
def alone(db: Database, sleep: Sleep) -> Iterator[None]:
    """Be the only one who changes the schema; Problem when another one is at it for more than a minute."""
    db.need_session()
    for _ in range(LOCK_TRIES):
        if db.ask(history.lock):
            break
        sleep(LOCK_WAIT_S)
    else:
        message = "another migration is under way: try again when it has ended"
        raise Problem(message)
    try:
        db.ask(fix_schema)
        yield
    finally:
        with suppress(Problem):  # Where the connection is lost, so is the lock.
            db.ask(history.unlock)


def fix_schema(tx: Conn) -> None:
    """Fix the session to the schema in which migrations make tables; ConfigProblem when there is none."""
    if not history.fix_schema(tx):
        message = "the database has no schema to make tables in: set search_path to one that exists"
        raise ConfigProblem(message)


def run_script(db: Database, script: Script, then: Callable[[Conn], object] = lambda _: None) -> None:
    """Run a script, and `then` in its transaction or after its last statement; raises what `migrate` raises."""

    def whole(tx: Conn) -> None:
        if not history.lock(tx):
            message = f"{script.name}: the connection was lost, and another migration goes on from here"
            raise Problem(message)
        for statement in script.statements:
            tx.execute(statement)
        then(tx)

    with named(script.name):
        if script.runs_outside:
            _try_outside(db, whole)
        else:
            db.transact(whole)


@contextmanager
def named(what: str) -> Iterator[None]:
    """Say of whatever goes wrong what it was that could not be done."""
    try:
        yield
    except BusyProblem as problem:
        message = f"{what} was left undone, for others use a table that it changes ({problem.said}): try again later"
        raise Problem(message) from problem
    except SchemaProblem as problem:
        message = f"{what} does not fit this database: {problem.said}"
        raise ConfigProblem(message) from problem
    except RowsRejectedError as error:
        message = f"{what} was refused: {error}"
        raise Problem(message) from error


def _try_outside(db: Database, whole: Callable[[Conn], None]) -> None:
    for tries_left in reversed(range(OUTSIDE_TRIES)):
        try:
            db.ask(whole)
        except BusyProblem:
            if not tries_left:
                raise
        else:
            return


def _pending(known: Sequence[Migration], applied: Sequence[AppliedMigration]) -> list[Migration]:
    digests = {migration.number: migration.sha256 for migration in applied}
    for migration in known:
        if migration.number in digests and digests[migration.number] != migration.sha256:
            message = (
                f"migration {migration.name} was edited after it was applied: restore the file as it was; "
                "changes go into a new migration"
            )
            raise ConfigProblem(message)
    return [migration for migration in known if migration.number not in digests]


def _has_statement(part: bytes) -> bool:
    return any(line.strip() and not line.startswith(b"--") for line in part.splitlines())
