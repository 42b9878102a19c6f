"""`batchctl doctor`: one look, a line for each thing, exit codes for monitors."""

from typing import Any

from tests.cli.conftest import Shell
from tests.scenario import Company


def levels(document: Any) -> dict[str, str]:
    """Return how each check was judged."""
    return {line["check"]: line["level"] for line in document["diagnoses"]}


def test_well(office: Shell) -> None:
    """A good database: exit code 0, warnings for what only tests and owners do."""
    ran = office.run("doctor", "--json")

    assert (ran.code, ran.err) == (0, "")
    assert ran.document["schema"] == "batchctl/doctor/1"
    judged = levels(ran.document)
    assert {name for name, level in judged.items() if level != "ok"} == {"secret", "settings"}
    assert judged["provider"] == "ok"


def test_page_fits(office: Shell) -> None:
    """On a terminal each line stands whole, at 80 columns too."""
    lines = office.on_terminal(80, "doctor").out.splitlines()

    assert max(len(line.rstrip()) for line in lines) <= 80
    assert "11 checks" in lines[-1] or "checks: 0 failed" in lines[-1]


def test_not_migrated(shell: Shell, empty_dsn: str) -> None:
    """A database without the schema is a matter of configuration, and the provider is looked at all the same."""
    ran = shell.run("doctor", "--json", BATCHCTL_DATABASE_URL=empty_dsn)

    assert ran.code == 78
    assert levels(ran.document)["schema"] == "fail"
    assert levels(ran.document)["provider"] == "fail"


def test_database_away(shell: Shell) -> None:
    """An unreachable database is a line like any other, and 69 where nothing worse is found."""
    ran = shell.run(
        "doctor",
        "--json",
        BATCHCTL_DATABASE_URL="postgresql://worker:hunter2@127.0.0.1:1/shop",
        GRSAI_API_KEY="k",
        GRSAI_HOST="http://127.0.0.1:1",
    )

    assert ran.code == 69
    assert "hunter2" not in ran.out
    assert levels(ran.document) | {"database": "fail", "provider": "fail"} == levels(ran.document)


def test_wrong_setting(office: Shell) -> None:
    """A setting that cannot be read is said, and nothing else is asked."""
    ran = office.run("doctor", "--json", BATCH_WORKER_MAX_POLL="many")

    assert ran.code == 78
    assert levels(ran.document) == {"settings": "fail"}


def test_placeholder(office: Shell) -> None:
    """The placeholder of the seed's example is found."""
    ran = office.run("doctor", "--json", ENTERPRISE_WEBHOOK_SECRET="...")

    assert ran.code == 78
    assert levels(ran.document)["secret"] == "fail"


def test_armed_failpoint(office: Shell) -> None:
    """A failpoint that somebody left armed in the environment is found."""
    ran = office.run("doctor", BATCHCTL_FAILPOINTS="settle.before_commit:1:kill")

    assert "BATCHCTL_FAILPOINTS is set" in ran.out


def test_changes_nothing(office: Shell, company: Company) -> None:
    """The diagnosis leaves every row as it was."""
    company.enqueue(company.customer(permanent=10), 1)
    before = company.sql("select * from batch_jobs"), company.sql("select * from video_tasks")

    office.run("doctor")

    assert (company.sql("select * from batch_jobs"), company.sql("select * from video_tasks")) == before
