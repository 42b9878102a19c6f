"""Instants that no calendar of Python holds, in every row: no command stumbles over them."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.cli.conftest import Shell
from tests.scenario import Company

LOOKS = (
    ("doctor",),
    ("audit",),
    ("history",),
    ("batch", "list"),
    ("batch", "list", "--held"),
    ("batch", "show", "{batch}", "--tasks"),
    ("wallet", "show", "{user}"),
    ("webhook", "endpoint", "list"),
    ("webhook", "resend", "{batch}", "--dry-run"),
    ("stats", "failures"),
    ("stats", "failures", "--since", "2000-01-01", "--by", "day"),
)


@pytest.fixture
def workshop(company: Company, office: Shell) -> Iterator[Company]:
    """Give a company with a row of every kind, which is swept out at the end: its books are no longer in order."""
    office.environment["ENTERPRISE_WEBHOOK_SECRETS_KEY"] = f"{'A' * 43}="
    user = company.customer(permanent=1000, bonus=10)
    assert office.run("webhook", "endpoint", "add", str(user), "https://customer.example").code == 0
    company.enqueue(user, ["a [sim: fail=error]", "b"])
    company.enqueue(user, ["c [sim: polls=9]", "d [sim: submit=503]"])
    company.run_until_quiet()
    company.enqueue(user, ["e [sim: polls=9]", "f [sim: submit=503]"])
    company.run_pass()
    company.enqueue(user, 1)
    yield company
    company.sql("set session_replication_role = replica")
    company.sql("truncate batch_jobs, video_tasks, credit_wallet, credit_ledger cascade")


def put_everywhere(company: Company, instant: str) -> set[str]:
    """Write an instant into every column of other programs' tables that takes it; return which did."""
    columns = company.sql(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public' and data_type = 'timestamp with time zone'"
        " and table_name in ('batch_jobs', 'video_tasks', 'credit_wallet', 'credit_ledger')"
    )
    taken: set[str] = set()
    company.sql("set session_replication_role = replica")
    for column in columns:
        update = sql.SQL("update {} set {} = %s").format(*map(sql.Identifier, column))
        try:
            company.conn.execute(update, [instant])
        except psycopg.IntegrityError:
            continue
        taken.add(".".join(column))
    company.sql("set session_replication_role = origin")
    return taken


@pytest.mark.parametrize("instant", ["infinity", "-infinity", "0044-03-15 12:00:00+00 BC", "20000-01-01"])
def test_instants_beyond_the_calendar_are_read(workshop: Company, office: Shell, instant: str) -> None:
    """Where other programs wrote such an instant every look answers, in a pipe, as JSON and on a terminal."""
    taken = put_everywhere(workshop, instant)
    assert taken >= {"batch_jobs.created_at", "video_tasks.next_poll_at", "credit_ledger.created_at"}
    (batch,) = workshop.sql("select id, user_id from batch_jobs order by status limit 1")
    for look in LOOKS:
        arguments = [part.format(batch=batch.id, user=batch.user_id) for part in look]
        for ran in (
            office.run(*arguments),
            office.run(*arguments, "--json"),
            office.on_terminal(80, *arguments),
        ):
            assert "bug" not in ran.err, (arguments, ran.err)
            assert ran.code in {0, 1}, (arguments, ran.err)


def test_pass_goes_on_beside_such_instants(workshop: Company, office: Shell) -> None:
    """A pass neither breaks nor holds up other batches."""
    put_everywhere(workshop, "infinity")
    good = workshop.enqueue(workshop.customer(permanent=10), 1)

    ran = office.run("run-once")

    assert "bug" not in ran.err
    assert workshop.batch(good).status == "processing"
