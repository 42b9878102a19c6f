"""`batchctl migrate`: what it says, on a new database and on the original worker's, and its exit codes."""

from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from batchctl.render.adoption import LEFTOVERS
from batchctl.service.migrate import migrations
from tests.cli.conftest import Shell
from tests.legacy.leftovers import leave_behind
from tests.legacy.original import Variant, original
from tests.roles import made
from tests.scenario import Company

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


@pytest.mark.parametrize(
    "asked",
    [
        *(["--check", "--apply-adoption"], ["--check", "--plan"], ["--plan", "--sql"], ["--sql", "--apply-adoption"]),
        *(["--plan", "--role", "batch_worker"], ["--sql", "--json"], ["--role", "batch_worker", "--json"]),
    ],
    ids=" ".join,
)
def test_one_thing_at_a_time(fresh: Shell, empty_dsn: str, asked: list[str]) -> None:
    """Asked for two things that exclude each other it does neither: wrong usage is 2."""
    ran = fresh.run("migrate", *asked)

    assert (ran.code, ran.out) == (2, "")
    assert "choose one" in ran.err
    assert asked[0] in ran.err
    with psycopg.connect(empty_dsn) as conn:
        assert conn.execute("select to_regclass('batchctl_migrations')").fetchone() == (None,)


def test_plan_is_told_and_done_by_nobody(fresh: Shell) -> None:
    """--plan lists what is pending with its reason, exits with 0, and all of it is still pending."""
    planned = fresh.run("migrate", "--plan")

    assert (planned.code, planned.err) == (0, "")
    heading, *rows = planned.out.split("\n\n")[0].splitlines()
    assert heading == "MIGRATION\tRUNS\tWHAT FOR"
    assert [row.split("\t")[0] for row in rows] == NAMES
    assert rows[1].split("\t")[2] == "Money: one wallet a customer, and a ledger of which no row is ever changed."
    assert planned.out.splitlines()[-1] == "the database is empty: every table is made anew"
    assert fresh.run("migrate", "--check").code == 78


def test_plan_as_a_document(inherited: Shell) -> None:
    """--plan --json is one document with a name, whose values are those of the database."""
    before = inherited.run("migrate", "--plan", "--json").document
    inherited.run("migrate")
    after = inherited.run("migrate", "--plan", "--json").document

    assert (before["schema"], before["origin"], before["adoption"]) == ("batchctl/migrate.plan/1", "original", None)
    first = before["pending"][0]
    assert (first["name"], first["in_transaction"], first["unfinished"]) == (NAMES[0], True, [])
    batches = first["tables"][0]
    assert (batches["name"], batches["lock"], batches["is_rewritten"]) == ("batch_jobs", "access exclusive", True)
    assert (batches["row_count"], batches["size_bytes"] > 0) == (None, True)
    assert (after["origin"], after["pending"], after["adoption"]["applied_at"]) == ("adopted", [], None)


def test_script_is_all_that_is_printed(fresh: Shell) -> None:
    """--sql prints a script for the database that is set, and for an empty one where none is, which stderr says."""
    given, nowhere = fresh.run("migrate", "--sql"), fresh.run("migrate", "--sql", BATCHCTL_DATABASE_URL="")

    assert (given.code, given.err) == (0, "")
    assert (nowhere.code, nowhere.err) == (0, "no database is set: the script is for an empty database\n")
    assert given.out == nowhere.out
    assert [name for name in NAMES if f"\\echo applied {name}\n" not in given.out] == []
    fresh.run("migrate")
    assert fresh.run("migrate", "--sql").out == "-- Up to date: nothing is pending.\n"


def test_role_script_needs_no_database(shell: Shell) -> None:
    """--role prints the script of a role; a name that nobody knows is wrong usage, answered with those that are."""
    printed, unknown = shell.run("migrate", "--role", "batch_worker"), shell.run("migrate", "--role", "postgres")

    assert (printed.code, printed.err) == (0, "")
    assert "create role batch_worker nologin;" in printed.out
    assert (unknown.code, unknown.out) == (2, "")
    assert "batch_application, batch_operator, batch_viewer, batch_worker" in unknown.err


def test_operators_and_workers_need_their_roles_only(company: Company, office: Shell, tmp_path: Path) -> None:
    """People grant, enqueue and resend, cron does the rest and looks at all of it: each with its role and no more."""
    file, customer = tmp_path / "tasks.jsonl", str(uuid4())
    file.write_text('{"prompt": "a paper boat"}\n')
    create = ["batch", "create", str(file), "--user", customer, "--cost-per-video", "99", "--request-id", "r-1"]

    def run(role: str, *commands: list[str]) -> None:
        for command in commands:
            ran = office.run(*command, BATCHCTL_DATABASE_URL=roles.login(role))
            assert ran.code == 0, (command, ran.err)

    with made(company.dsn) as roles:
        run(
            "batch_operator",
            ["wallet", "grant", customer, "50", "--reason", "a test", "--request-id", "g-1", "--yes"],
            ["wallet", "grant", customer, "5", "--reason", "a test", "--bonus", "--expires", "30d", "-y"],
            ["wallet", "adjust", customer, "-5", "--reason", "a test", "--yes"],
            ["pause", "webhook", "--reason", "a test"],
            ["resume", "all"],
            ["hold", "release", "--all"],
            [*create, "--webhook-url", f"{company.receiver.base_url}/hook"],
        )
        run("batch_worker", ["run-once"], ["migrate", "--check"])
        (batch,) = company.sql("update batch_jobs set webhook_url = webhook_url || '?moved' returning id, status")
        assert batch.status == "failed"
        run("batch_operator", ["webhook", "resend", str(batch.id)])
        run(
            "batch_worker",
            *(["batch", "list"], ["batch", "show", str(batch.id), "--tasks"], ["wallet", "show", customer]),
            *(["stats", "failures"], ["audit"]),
        )
        run("batch_viewer", ["migrate", "--check"], ["migrate", "--plan"], ["stats", "failures"])
        refused = office.run("migrate", BATCHCTL_DATABASE_URL=roles.login("batch_worker"))

    assert [entry.path for entry in company.receiver.journal.entries] == ["/hook", "/hook?moved"]
    assert (refused.code, refused.out) == (78, "")
    assert "the database role lacks a right" in refused.err


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
