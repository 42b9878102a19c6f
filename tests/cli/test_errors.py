"""Whatever goes wrong is one clear line that says what to do, the contract's exit code, and no secret."""

from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Shell
from tests.cli.test_secrets import VALUES
from tests.cli.tour import commands, plain_form

COMMANDS = [["run-once"], ["dispatch"], ["poll"], ["settle"], ["webhook", "deliver"], ["migrate", "--check"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_database_named(shell: Shell, command: list[str]) -> None:
    """Without a database setting every command says which to set, and falls back to nothing."""
    ran = shell.run(*command)

    assert (ran.code, ran.out) == (78, "")
    assert len(ran.err.splitlines()) == 1
    assert "BATCHCTL_DATABASE_URL" in ran.err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_database_away(shell: Shell, command: list[str]) -> None:
    """An unreachable database is one line and 69, without the password."""
    ran = shell.run(*command, BATCHCTL_DATABASE_URL="postgresql://worker:hunter2@127.0.0.1:1/shop", GRSAI_API_KEY="k")

    assert (ran.code, ran.out) == (69, "")
    assert len(ran.err.splitlines()) == 1
    assert "cannot be reached" in ran.err
    assert "hunter2" not in ran.err


def test_database_address_unreadable(shell: Shell) -> None:
    """An address that libpq cannot read is a wrong setting, and is not repeated, for it may hold a password."""
    ran = shell.run("settle", BATCHCTL_DATABASE_URL="worker:hunter2@host/shop")

    assert ran.code == 78
    assert "BATCHCTL_DATABASE_URL" in ran.err
    assert "hunter2" not in ran.err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_schema_not_migrated(shell: Shell, empty_dsn: str, command: list[str]) -> None:
    """On a database that is not migrated every command says so, and changes nothing."""
    ran = shell.run(*command, BATCHCTL_DATABASE_URL=empty_dsn, GRSAI_API_KEY="k")

    assert ran.code == 78
    assert "batchctl migrate" in ran.err
    with psycopg.connect(empty_dsn) as conn:
        assert conn.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (0,)


@pytest.mark.parametrize(
    ("name", "value", "must_be"),
    [
        ("BATCH_WORKER_MAX_POLL", "many", "valid integer"),
        ("BATCH_WORKER_MAX_CLAIM", "0", "greater than or equal to 1"),
        ("BATCH_POLL_BACKOFF_SECONDS", "5,15", "BATCH_POLL_BACKOFF_SECONDS"),
        ("BATCH_ORPHAN_POLICY", "guess", "'fail', 'resubmit' or 'hold'"),
        ("GRSAI_HOST", "grsai.example", "an address such as https://"),
        ("GRSAI_HOST", "http://[::1", "an address such as https://"),
        ("GRSAI_HOST", "http://127.0.0.1:99999", "an address such as https://"),
        ("GRSAI_HOST", "http://:80", "an address such as https://"),
        ("GRSAI_HOST", "http://a b", "an address such as https://"),
        ("BATCH_CALLBACK_BASE_URL", "shop.example", "an address such as https://"),
        ("ENTERPRISE_WEBHOOK_SECRET", "whsec_not base64!", "go on as base64"),
        ("ENTERPRISE_WEBHOOK_SECRET", "\udcff\udcfe", "must be text"),
        ("ENTERPRISE_WEBHOOK_SECRET", "   ", "must be more than blanks"),
        ("ENTERPRISE_WEBHOOK_SECRET", "\t\u00a0", "must be more than blanks"),
        ("GRSAI_API_KEY", "sk-\n", "printable ASCII"),
        ("ENTERPRISE_WEBHOOK_ALLOW_INSECURE", "perhaps", "boolean"),
        ("ENTERPRISE_WEBHOOK_RETRIES", "-1", "greater than or equal to 0"),
        ("ENTERPRISE_WEBHOOK_RETRIES", "21", "less than or equal to 20"),
    ],
)
def test_wrong_setting_is_named(shell: Shell, name: str, value: str, must_be: str) -> None:
    """A wrong setting is named as the environment names it, with what it must be."""
    ran = shell.run("settle", **{name: value})

    assert (ran.code, ran.out) == (78, "")
    assert len(ran.err.splitlines()) == 1
    assert name in ran.err
    assert must_be in ran.err


def test_wrong_settings_are_named_together_and_secrets_not_at_all(shell: Shell) -> None:
    """All wrong settings are named at once; the value of a secret appears nowhere."""
    ran = shell.run("settle", BATCH_WORKER_MAX_POLL="x", BATCH_MAX_POLL_COUNT="y", GRSAI_API_KEY="sk-secret-1")

    assert "BATCH_WORKER_MAX_POLL" in ran.err
    assert "BATCH_MAX_POLL_COUNT" in ran.err
    assert "sk-secret-1" not in ran.err


@pytest.mark.parametrize("arguments", [["no-such-command"], ["run-once", "--no-such-option"], ["settle", "extra"]])
def test_wrong_usage(shell: Shell, arguments: list[str]) -> None:
    """Wrong usage is 2."""
    assert shell.run(*arguments).code == 2


def test_bare_call_shows_help(shell: Shell) -> None:
    """Without a command the help is shown."""
    assert "run-once" in shell.run().out


def test_embedded_needs_a_directory(shell: Shell, tmp_path: Path) -> None:
    """An embedded database that cannot be made says which directory, without a traceback."""
    blocked = tmp_path / "file"
    blocked.write_text("")

    ran = shell.run("settle", BATCHCTL_DATABASE_URL=f"embedded:{blocked}/data")

    assert ran.code == 78
    assert str(blocked) in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("until", ["3h", "2h"])
def test_window_without_a_moment_is_wrong_usage(office: Shell, until: str) -> None:
    """Every command that takes --since and --until refuses an end that is no later than the beginning."""
    windowed = {
        path: command
        for path, command in commands().items()
        if {"--since", "--until"} <= {str(parameter.opts[-1]) for parameter in command.params}
    }
    assert {"batch list", "history"} <= windowed.keys()
    for path in windowed:
        ran = office.run(*plain_form(path, VALUES), "--since", "2h", "--until", until)
        assert (ran.code, ran.out) == (2, ""), path
        assert "--since" in ran.err or "must end after it begins" in ran.err, (path, ran.err)
