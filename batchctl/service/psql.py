"""The scripts that psql runs in our stead: what `migrate` would do to a database, and the roles that work on it."""

import re
from collections.abc import Sequence

from batchctl import __version__
from batchctl.db import Database
from batchctl.domain.problem import UsageProblem
from batchctl.service.migrate import SESSION, Migration, fix_schema, migrations, pending_in
from batchctl.statement import Conn, sql_dir
from batchctl.store import history

UP_TO_DATE = "-- Up to date: nothing is pending."

_HEAD = f"""\
-- What `migrate` of batchctl {__version__} does, for psql: psql -X -f FILE, as the role that owns the tables, and
-- without --single-transaction. Where it breaks off, run it again: what is applied is passed over."""
_SESSION = "\n".join(
    [
        "\\set ON_ERROR_STOP on",
        "\\set AUTOCOMMIT on",
        "set client_encoding = 'UTF8';",
        "set client_min_messages = 'warning';",
        *(f"set {name} = '{value}';" for name, value in SESSION.items()),
    ]
)
_REFUSE = "do $batchctl$ begin raise exception '{}'; end $batchctl$;"


def migration_script(db: Database | None, known: Sequence[Migration] | None = None) -> str:
    """Write the script that does what `migrate` would do to this database now; None is an empty one.

    A run that breaks off is repeated: what it has applied is passed over, so a second run changes nothing. It refuses a
    database to which other files were applied, or not those that it goes on from. Raises what `plan` raises.
    """
    known = migrations() if known is None else known
    pending = list(known) if db is None else db.transact(lambda tx: _pending(tx, known))
    if not pending:
        return UP_TO_DATE
    head = [
        _HEAD,
        _SESSION,
        _take_turn(),
        _file("history/create") + ";",
        _compare(known, pending),
    ]
    return "\n\n".join([*head, *map(_apply, pending), _file("history/unlock") + " \\gset batchctl_"])


def role_script(name: str) -> str:
    """Write the script that makes a role, or gives it the rights of this version; UsageProblem names all that are."""
    names = sorted(file.stem for file in (sql_dir() / "roles").glob("*.sql"))
    if name not in names:
        raise UsageProblem(f"there is no role {name}: choose one of {', '.join(names)}")
    return "\n\n".join([_SESSION, "begin;", _file(f"roles/{name}"), "commit;"])


def _pending(tx: Conn, known: Sequence[Migration]) -> list[Migration]:
    history.only_read(tx)
    fix_schema(tx)
    return pending_in(tx, known)


def _file(name: str) -> str:
    return (sql_dir() / f"{name}.sql").read_text("utf-8").strip()


def _take_turn() -> str:
    """Take the lock of those who migrate, and fix the session to the schema in which it makes tables."""
    return "\n".join(
        [
            _file("history/lock") + " \\gset batchctl_",
            "\\if :batchctl_locked",
            "\\else",
            _REFUSE.format("another migration is under way: try again when it has ended"),
            "\\endif",
            "select current_schema() is not null as has_schema \\gset batchctl_",
            "\\if :batchctl_has_schema",
            "\\else",
            _REFUSE.format("the database has no schema to make tables in: set search_path to one that exists"),
            "\\endif",
            _file("history/fix_schema") + " \\gset batchctl_",
        ]
    )


def _compare(known: Sequence[Migration], pending: Sequence[Migration]) -> str:
    """Refuse a database to which other files were applied, or not those that must have been."""
    rows = ",\n".join(
        f"        ({one.number}, '{one.name}', '{one.sha256}', {str(one not in pending).lower()})" for one in known
    )
    return _COMPARE.replace("ROWS", rows)


def _apply(migration: Migration) -> str:
    """Apply a file and remember it, as `migrate` does, unless that was done already."""
    values = {"number": str(migration.number), "name": f"'{migration.name}'", "sha256": f"'{migration.sha256}'"}
    values["now"] = "clock_timestamp()"
    remember = re.sub(r"%\((\w+)\)s", lambda found: values[found[1]], _file("history/insert"))
    steps = [migration.text.decode().strip(), f"{remember};"]
    if not migration.runs_outside:
        steps = ["begin;", *steps, "commit;"]
    return "\n\n".join(
        [
            _IS_PENDING.replace("NUMBER", str(migration.number)) + "\n\\if :batchctl_is_pending",
            *steps,
            f"\\echo applied {migration.name}\n\\else\n\\echo {migration.name} was applied already\n\\endif",
        ]
    )


_IS_PENDING = """\
select not exists (select from batchctl_migrations where number = NUMBER) as is_pending \\gset batchctl_"""
_COMPARE = """\
do $batchctl$
declare
    edited text;
    missing text;
begin
    select
        string_agg(k.name, ', ' order by k.number) filter (where m.sha256 <> k.sha256),
        string_agg(k.name, ', ' order by k.number) filter (where m.number is null and k.must_be_applied)
    into edited, missing
    from (
        values
ROWS
    ) as k (number, name, sha256, must_be_applied)
    left join batchctl_migrations as m on k.number = m.number;
    if edited is not null then
        raise exception 'these migrations were edited after they were applied: %', edited;
    end if;
    if missing is not null then
        raise exception 'this script goes on from migrations that are not applied here: %', missing;
    end if;
end $batchctl$;"""
