"""`batchctl migrate`: what it says, on a new database and on the original worker's, and its exit codes."""

import psycopg
import pytest

from batchctl.render.adoption import LEFTOVERS
from batchctl.service.migrate import migrations
from tests.cli.conftest import Shell
from tests.legacy.leftovers import leave_behind
from tests.legacy.original import Variant, original

NAMES = [migration.name for migration in migrations()]


@pytest.fixture
def fresh(shell: Shell, empty_dsn: str) -> Shell:
    """Give a shell with a database without any table."""
    shell.environment = {"BATCHCTL_DATABASE_URL": empty_dsn}
    return shell


@pytest.fixture
def inherited(fresh: Shell, empty_dsn: str) -> Shell:
    """Give a shell with the original worker's database, which has all kinds of rows."""
    with original(empty_dsn, Variant()) as old:
        leave_behind(old, "https://customer.example/hook")
    return fresh


def test_migrate_says_what_it_applied(fresh: Shell) -> None:
    """The first run lists the files, the second says that there is nothing to do."""
    first, second = fresh.run("migrate"), fresh.run("migrate")

    assert (first.code, first.out.splitlines()) == (0, [f"applied {name}" for name in NAMES])
    assert (second.code, second.out, second.err) == (0, "up to date\n", "")


def test_check_changes_nothing(fresh: Shell, empty_dsn: str) -> None:
    """--check lists what is pending, changes nothing, and exits with 78 until that is applied (contract §6)."""
    checked = fresh.run("migrate", "--check")

    assert (checked.code, checked.out.splitlines()) == (78, [f"pending {name}" for name in NAMES])
    assert checked.err == f"error: pending migrations: {len(NAMES)}: run `batchctl migrate`\n"
    with psycopg.connect(empty_dsn) as conn:
        assert conn.execute("select count(*) from pg_class where relname ~ 'batch'").fetchone() == (0,)

    fresh.run("migrate")
    checked = fresh.run("migrate", "--check")
    assert (checked.code, checked.out, checked.err) == (0, "up to date\n", "")


def test_json_is_one_document(fresh: Shell) -> None:
    """--json prints one document and nothing else, with --check too."""
    checked = fresh.run("migrate", "--check", "--json")
    applied = fresh.run("migrate", "--json")

    assert checked.document == {"applied": [], "pending": NAMES, "adoption": None}
    assert (applied.code, applied.document) == (0, {"applied": NAMES, "pending": [], "adoption": None})


def test_check_and_apply_contradict_each_other(fresh: Shell) -> None:
    """Asked to change nothing and to apply something, it does neither: wrong usage is 2."""
    ran = fresh.run("migrate", "--check", "--apply-adoption")

    assert (ran.code, ran.out) == (2, "")
    assert "choose one" in ran.err


def test_own_database_has_no_adoption(fresh: Shell) -> None:
    """On a database that was never the original worker's there is nothing to apply, and that is no error."""
    ran = fresh.run("migrate", "--apply-adoption")

    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "nothing to apply: this database was never the original worker's"


def test_leftovers_are_told_in_words(inherited: Shell) -> None:
    """After adopting a database the operator reads what was found, what becomes of it, and what to do in the end."""
    ran = inherited.run("migrate")

    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()[len(NAMES) :]
    assert lines[0].startswith("adopted from the original worker at ")
    assert f"{1:>8} {LEFTOVERS['settled_never_ended']}" in lines
    assert f"{2:>8} {LEFTOVERS['failed_after_paid']}" in lines
    assert lines[-1].endswith("run `batchctl migrate --apply-adoption`")


def test_every_leftover_has_words(inherited: Shell) -> None:
    """The document names kinds, and there is a sentence for each kind that the database can find."""
    leftovers = inherited.run("migrate", "--json").document["adoption"]["leftovers"]

    assert set(LEFTOVERS) - set(leftovers) == {"paid_without_trace"}
    assert set(leftovers) - set(LEFTOVERS) == set()


def test_adoption_is_applied_once(inherited: Shell) -> None:
    """Applying says which rules old rows break and since when the guards refuse; later runs say only the latter."""
    first = inherited.run("migrate", "--apply-adoption")
    second = inherited.run("migrate", "--apply-adoption")
    third = inherited.run("migrate")

    assert (first.code, second.code, third.code) == (0, 0, 0)
    assert f"{1:>8} old rows that break batch_jobs_settled_when_finished, which binds newer rows only" in first.out
    assert first.out.splitlines()[-1].endswith(": the guards refuse")
    assert second.out == third.out
    assert second.out.splitlines()[2:] == first.out.splitlines()[-1:]
