"""The database: one connection, and the only place that begins or ends a transaction."""

import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from batchctl import address
from batchctl.domain.clock import Sleep
from batchctl.domain.problem import (
    BusyProblem,
    ConfigProblem,
    Problem,
    RowsRejectedError,
    SchemaProblem,
    ShortageProblem,
    UnreachableProblem,
    UnreadableProblem,
)
from batchctl.failpoint import Failpoint, reach
from batchctl.statement import Conn, read_any_instant

Result = TypeVar("Result")

CONNECT_TIMEOUT_S = 10
TRANSACTION_TRIES = 5
"""How often a transaction is tried as a whole that lost a deadlock or waited too long for a lock (design §4)."""
RECONNECT_WAITS_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Waits for a database that restarts or fails over, before an answer that nobody else knows is given up."""

_SILENCE = {"keepalives_idle": "15", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "30000"}
"""A server whose machine or network is gone without a word is given up after 30 s; by default it would be two hours."""
_SESSION = {"statement_timeout": "60s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "60s"}
_OPTIONS_REFUSED = "unsupported startup parameter"
"""What PgBouncer says to options at the start of a session."""
_WRITING_FUNCTION = (
    "a function that is only to be asked wants to write ({}): see get_enterprise_webhook_for_batch, which must not"
)
_TRY_AGAIN = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
_REJECTED = (
    psycopg.DataError,
    psycopg.IntegrityError,
    errors.RaiseException,
    errors.NoDataFound,
    errors.TooManyRows,
    errors.CardinalityViolation,
    errors.ProgramLimitExceeded,
)
_OTHER_SCHEMA = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction)


class Database:
    """One autocommit connection, opened when it is first needed and again when it broke."""

    def __init__(self, conninfo: str, sleep: Sleep, *, session: dict[str, str] | None = None) -> None:
        """Remember where to connect; `session` replaces the default timeouts of the session."""
        self._conninfo = conninfo
        self._sleep = sleep
        self._session = _SESSION if session is None else session
        self._conn: Conn | None = None
        self._listening: Conn | None = None
        """The connection that was told to listen, if it is still in use."""
        self._addresses: frozenset[str] = frozenset()

    @property
    def addresses(self) -> frozenset[str]:
        """The network addresses at which the database has answered so far; none for a local socket."""
        return self._addresses

    def transact(self, work: Callable[[Conn], Result]) -> Result:
        """Run `work` in one transaction and commit it; the whole is repeated when it lost a deadlock.

        `work` must therefore do nothing but read and write the database. A connection that broke before the commit is
        replaced once: what `work` did is undone then. Raises RowsRejectedError when the database refused a row (a
        check, a unique key, an overflow, a guard), BusyProblem when it waited for a lock in vain or lost too often,
        UnreachableProblem when the connection is lost.
        """
        for tries_left in reversed(range(TRANSACTION_TRIES)):
            is_replaceable, is_done = self._conn is not None, False
            try:
                with self._translated(), self._open() as conn, conn.transaction():
                    _limit(conn, self._session)
                    result = work(conn)
                    is_done = True
                    reach(Failpoint.DB_BEFORE_COMMIT, conn)
            except BusyProblem as problem:
                if not tries_left or isinstance(problem.__cause__, errors.LockNotAvailable):
                    raise
            except UnreachableProblem:
                if is_done or not is_replaceable or not tries_left:
                    raise
            else:
                reach(Failpoint.DB_AFTER_COMMIT, self._conn)
                return result
        raise AssertionError  # the last try returns or raises

    def persist(self, work: Callable[[Conn], Result]) -> Result:
        """Like `transact`, for what must not be lost: while the database is away or busy, wait and try again.

        `work` may have been committed when the connection broke, so it must change nothing when it is run again.
        """
        return self._patiently(lambda: self.transact(work))

    def ask(self, question: Callable[[Conn], Result]) -> Result:
        """Run statements outside a transaction: a look at the clock, a read that stands alone.

        They must change nothing when they are run again, for a connection that broke meanwhile is replaced once.
        Raises what `transact` raises, but is not repeated when others hold what it needs; UnreadableProblem where the
        database cannot digest a row.
        """
        is_replaceable = self._conn is not None
        try:
            with self._translated(), self._open() as conn, conn.transaction() if is_pooled(conn) else nullcontext():
                _limit(conn, self._session)
                return question(conn)
        except RowsRejectedError as error:
            raise UnreadableProblem(str(error)) from error
        except UnreachableProblem:
            if not is_replaceable:
                raise
        return self.ask(question)

    def ask_patiently(self, question: Callable[[Conn], Result]) -> Result:
        """Like `ask`, where an answer that nobody else knows hangs on it: wait as `persist` does."""
        return self._patiently(lambda: self.ask(question))

    def survey(self, look: Callable[[Conn], Result]) -> Result:
        """Run several reads in one read-only transaction, all of them as the database was at the first of them.

        Raises what `ask` raises, and Problem when what is called there would write; nothing that `look` does can change
        a row.
        """

        def still(conn: Conn) -> Result:
            conn.execute("set transaction isolation level repeatable read, read only")
            try:
                return look(conn)
            except errors.ReadOnlySqlTransaction as error:
                raise Problem(_WRITING_FUNCTION.format(_first_line(error))) from error

        try:
            return self.transact(still)
        except RowsRejectedError as error:
            raise UnreadableProblem(str(error)) from error

    def await_word(self, channel: str, seconds: float, also: int) -> bool:
        """Sleep until somebody notifies on `channel`, the file `also` can be read, or `seconds` have passed.

        Say whether somebody did; at once and so too when the connection is new, for what was said before is not heard.
        Raises UnreachableProblem when the connection breaks. Nobody is heard behind a pooler.
        """
        with self._translated(), self._open() as conn:
            if self._listening is not conn:
                conn.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                self._listening = conn
                return True
            heard = list(conn.notifies(timeout=0))
            if not heard:
                select.select([conn.fileno(), also], [], [], seconds)
                heard = list(conn.notifies(timeout=0))
            return bool(heard)

    def need_session(self) -> None:
        """Raise ConfigProblem where a pooler stands between: for what must outlast a transaction, as a lock may."""
        if self.ask(is_pooled):
            message = "this needs a direct connection, but a pooler stands before the database: name its own address"
            raise ConfigProblem(message)

    @contextmanager
    def aside(self) -> Iterator[Conn]:
        """Give a second connection inside a transaction that is undone at the end; it may stand idle until then.

        Raises UnreachableProblem when it cannot be opened.
        """
        session = {**self._session, "idle_in_transaction_session_timeout": "0"}
        with closing(connect(self._conninfo, session)) as conn:
            conn.execute("begin")
            _limit(conn, session)
            yield conn

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _patiently(self, act: Callable[[], Result]) -> Result:
        for wait_s in RECONNECT_WAITS_S:
            try:
                return act()
            except (UnreachableProblem, BusyProblem, ShortageProblem):
                self._sleep(wait_s)
        return act()

    @contextmanager
    def _open(self) -> Iterator[Conn]:
        if self._conn is None or self._conn.closed:
            reach(Failpoint.DB_BEFORE_CONNECT)
            self._conn = connect(self._conninfo, self._session)
            self._addresses |= {self._conn.info.hostaddr} - {""}
        yield self._conn

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what psycopg raises into what callers can act on, in words that hold no value of a row."""
        try:
            yield
        except _TRY_AGAIN as error:
            raise BusyProblem(_first_line(error)) from error
        except _REJECTED as error:
            # Not from it: its DETAIL, which a traceback would show, quotes rows.
            raise RowsRejectedError(_first_line(error)) from None
        except _OTHER_SCHEMA as error:
            raise SchemaProblem(_first_line(error)) from error
        except errors.InsufficientPrivilege as error:
            message = f"the database role lacks a right ({_first_line(error)}): `batchctl doctor` says what it needs"
            raise ConfigProblem(message) from error
        except psycopg.Error as error:
            if self._is_lost(error):
                with suppress(psycopg.Error):
                    self.close()
                message = f"the connection to the database was lost ({_first_line(error)})"
                raise UnreachableProblem(message, then="goes on") from error
            if isinstance(error, psycopg.OperationalError):
                message = f"the database could not do it ({_first_line(error)})"
                raise ShortageProblem(message, then="tries again") from error
            raise

    def _is_lost(self, error: psycopg.Error) -> bool:
        """Say whether another connection is needed: this one broke, or its server takes no writes any more."""
        if isinstance(error, errors.ReadOnlySqlTransaction) or self._conn is None or self._conn.closed:
            return True
        return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def connect(conninfo: str, session: dict[str, str] | None = None) -> Conn:
    """Open an autocommit connection whose session waits for nothing without end.

    Where a pooler stands between, nothing of a session outlasts a transaction: no statement is prepared then, and the
    time limits are set by whoever begins a transaction (`_limit`).

    Raises ConfigProblem when the address cannot be read, UnreachableProblem when nobody answers there. Neither message
    holds the password.
    """
    given = address.read(conninfo)
    ours = [f"-c {name}={value}" for name, value in (session or {}).items()]
    defaults = {
        "application_name": "batchctl",
        "connect_timeout": str(CONNECT_TIMEOUT_S),
        **_SILENCE,
        "target_session_attrs": "read-write",
    }
    # Of two options with the same name the later one counts: that of the address.
    options = " ".join([*ours, str(given.get("options") or "")]).strip()
    try:
        try:
            conn = _connect(defaults | given | {"options": options})
        except psycopg.OperationalError as error:
            if _OPTIONS_REFUSED not in str(error):
                raise
            conn = _connect(defaults | given)
        # A pooler greets with a number of its own; the process that answers statements has another.
        if conn.execute("select pg_backend_pid()").fetchone() != (conn.info.backend_pid,):
            conn.prepare_threshold = None
        read_any_instant(conn)
    except psycopg.OperationalError as error:
        message = f"the database cannot be reached: {_first_line(error)}"
        raise UnreachableProblem(message) from error
    return conn


def _connect(address: Mapping[str, Any]) -> Conn:
    return psycopg.connect(make_conninfo("", **address), autocommit=True)


def is_pooled(conn: Conn) -> bool:
    """Say whether a pooler stands between, so that each transaction may be in another session."""
    return conn.prepare_threshold is None


def _limit(conn: Conn, session: Mapping[str, str]) -> None:
    """Set the time limits for the transaction that has just begun, where the session cannot keep them."""
    if is_pooled(conn):
        limits = (sql.SQL("set local {} = {}").format(sql.Identifier(k), sql.Literal(v)) for k, v in session.items())
        conn.execute(sql.SQL(";").join(limits))


def _first_line(error: Exception) -> str:
    """Return what PostgreSQL said in one line, without values of rows (its DETAIL is left out)."""
    diag = getattr(error, "diag", None)
    text = (diag.message_primary if diag else None) or str(error).strip() or type(error).__name__
    lines: Sequence[str] = text.splitlines()
    return lines[0] if lines else text
