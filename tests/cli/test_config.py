"""`batchctl config show`: every setting, where it comes from, and no part of a secret."""

from pathlib import Path
from typing import Any

import pytest

from batchctl.settings import Settings, names_of
from tests.cli.conftest import Shell


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away whatever this run's own environment says."""
    for name in (name for field in Settings.model_fields.values() for name in names_of(field)):
        monkeypatch.delenv(name, raising=False)


def shown(shell: Shell, code: int = 0, **environment: str) -> dict[str, Any]:
    """Return the lines of the document by their variables."""
    ran = shell.run("config", "show", "--json", **environment)
    assert ran.code == code, ran.err
    return {line["variable"]: line for line in ran.document["settings"]}


def test_every_setting_has_a_line(shell: Shell) -> None:
    """Without anything set each setting has its default, and no database is needed."""
    lines = shown(shell)

    assert list(lines) == [names_of(field)[0] for field in Settings.model_fields.values()]
    assert {line["source"] for line in lines.values()} == {"default"}
    assert (lines["BATCH_POLL_BACKOFF_SECONDS"]["value"], lines["BATCH_WORKER_MAX_CLAIM"]["value"]) == ("5,15,30", "5")
    assert lines["GRSAI_API_KEY"]["value"] == lines["BATCHCTL_DATABASE_URL"]["value"] == "not set"
    assert lines["ENTERPRISE_WEBHOOK_ALLOW_INSECURE"]["value"] == "false"


def test_value_and_where_it_comes_from(shell: Shell, tmp_path: Path) -> None:
    """The environment, a file, or the default; the variable is the one that was read."""
    secret = tmp_path / "secret"
    secret.write_text("test-secret-of-customers\n")

    lines = shown(
        shell,
        DATABASE_URL="postgresql://ann:hunter2@db.example:5433/main?sslmode=require&passfile=/x",
        GRSAI_API_KEY="sk-12345",
        ENTERPRISE_WEBHOOK_SECRET_FILE=str(secret),
        BATCH_WORKER_MAX_CLAIM="7",
        BATCH_CALLBACK_BASE_URL="https://ann:hunter2@us.example/base/",
        BATCH_WORKER_MAX_POLL="",
    )

    assert (lines["DATABASE_URL"]["value"], lines["DATABASE_URL"]["source"]) == (
        "host=db.example port=5433 dbname=main user=ann sslmode=require",
        "environment",
    )
    assert (lines["GRSAI_API_KEY"]["value"], lines["GRSAI_API_KEY"]["source"]) == ("set", "environment")
    of_file = lines["ENTERPRISE_WEBHOOK_SECRET_FILE"]
    assert (of_file["value"], of_file["source"], of_file["is_secret"]) == ("set", "file", True)
    claim = lines["BATCH_WORKER_MAX_CLAIM"]
    assert (claim["value"], claim["source"], claim["default"]) == ("7", "environment", "5")
    assert lines["BATCH_CALLBACK_BASE_URL"]["value"] == "https://…@us.example/base"
    assert (lines["BATCH_WORKER_MAX_POLL"]["value"], lines["BATCH_WORKER_MAX_POLL"]["source"]) == ("25", "default")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("embedded", "embedded"),
        ("embedded:/srv/db", "embedded:/srv/db"),
        ("host=db password='a b' user=ann", "host=db user=ann"),
        ("postgresql:///main?host=/run/pg&password=hunter2", "host=/run/pg dbname=main"),
        ("postgresql://:hunter2@db", "host=db"),
    ],
)
def test_database_is_shown_without_its_password(shell: Shell, address: str, told: str) -> None:
    """Wherever a password can stand in an address, it is left out."""
    assert shown(shell, BATCHCTL_DATABASE_URL=address)["BATCHCTL_DATABASE_URL"]["value"] == told


WRONG = {
    "BATCH_WORKER_MAX_CLAIM": "hunter2",
    "BATCH_POLL_BACKOFF_SECONDS": "hunter2",
    "GRSAI_HOST": "https://ann:hunter2@x.example",
    "BATCHCTL_DATABASE_URL": "postgresql://ann:hunter2@hunter2@db",
    "GRSAI_API_KEY_FILE": "hunter2",
    "ENTERPRISE_WEBHOOK_SECRET": "whsec_hunter2!",
}


def test_wrong_values_are_named_and_not_shown(shell: Shell) -> None:
    """What is wrong is marked with what it must be, all else is shown, and the exit code is 78."""
    ran = shell.run("config", "show", "--json", BATCH_WORKER_MAX_POLL="9", **WRONG)
    lines = {line["variable"]: line for line in ran.document["settings"]}

    assert ran.code == 78
    assert {name for name, line in lines.items() if line["problem"]} == set(WRONG)
    assert {lines[name]["value"] for name in WRONG} == {"wrong"}
    assert lines["BATCH_WORKER_MAX_CLAIM"]["problem"].startswith("must be a valid integer")
    assert lines["BATCH_WORKER_MAX_POLL"]["value"] == "9"
    assert all(name in ran.err for name in WRONG)
    assert "hunter2" not in ran.out + ran.err


@pytest.mark.parametrize("address", ["=", "host=db nonsense", "embedded:"])
def test_unreadable_address_is_wrong(shell: Shell, address: str) -> None:
    """What libpq cannot take apart is not shown, for a password may be anywhere in it."""
    assert shown(shell, 78, BATCHCTL_DATABASE_URL=address)["BATCHCTL_DATABASE_URL"]["value"] == "wrong"


def test_two_ways_at_once_are_wrong(shell: Shell) -> None:
    """A secret that is set in both ways is said to be."""
    lines = shown(shell, 78, GRSAI_API_KEY="sk-12345", GRSAI_API_KEY_FILE="/dev/null")

    assert lines["GRSAI_API_KEY"]["problem"] == "GRSAI_API_KEY and GRSAI_API_KEY_FILE are both set: unset one of them"


def test_table_fits_and_forms_agree(shell: Shell) -> None:
    """On a terminal of 80 columns nothing is wider; a pipe and CSV hold the meaning as well."""
    table = shell.on_terminal(80, "config", "show", GRSAI_API_KEY="sk-12345").out
    plain = shell.run("config", "show", GRSAI_API_KEY="sk-12345").out
    csv = shell.run("config", "show", "-o", "csv").out

    assert max(map(len, table.splitlines())) <= 80
    assert "GRSAI_API_KEY\tset\tenvironment\tbearer token; without it nothing is claimed" in plain
    assert csv.startswith("VARIABLE,VALUE,FROM,MEANING\n")
    assert "sk-12345" not in table + plain
