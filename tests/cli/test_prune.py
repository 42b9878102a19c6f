"""`batchctl prune`: it shows before it asks, asks before it deletes, and is the owner's."""

from psycopg.conninfo import make_conninfo

from tests.cli.conftest import Shell
from tests.roles import made
from tests.scenario import Company


def aged(company: Company) -> None:
    """Make a batch that was told, and let a hundred days pass in its rows, for commands go by the real time."""
    company.enqueue(company.customer(permanent=10), 1)
    company.run_until_quiet()
    company.sql("update batch_jobs set completed_at = completed_at - interval '100 days'")
    company.sql("update batch_jobs set created_at = created_at - interval '100 days', updated_at = completed_at")
    company.sql("update delivery_attempts set started_at = started_at - interval '100 days'")
    company.sql("update runs set started_at = started_at - interval '100 days'")


def test_dry_run_shows_what_the_run_deletes(company: Company, office: Shell) -> None:
    """The same figures, before and after; the run is written down, the look is not."""
    aged(company)

    shown = office.run("prune", "--older-than", "90d", "--dry-run", "--json").document
    asked = office.run("prune", "--older-than", "90d")
    done = office.run("prune", "--older-than", "90d", "--yes", "--reason", "nightly", "--json").document

    assert shown | {"dry_run": False, "before": done["before"]} == done
    assert (done["schema"], done["deliveries"], done["attempts"]) == ("batchctl/prune/1", 1, 1)
    assert asked.code == 2
    assert "batchctl prune --older-than 90d --yes" in asked.err
    (action,) = company.sql("select * from operator_actions")
    assert (action.command, action.reason, action.outcome) == ("prune", "nightly", "done")
    assert action.changed_count == done["deliveries"] + done["runs"] + done["late_results"]
    assert company.sql("select count(*) as n from webhook_deliveries")[0].n == 0


def test_nothing_to_prune_is_not_asked_about(office: Shell) -> None:
    """A nightly job on a young database has no need of --yes and says that nothing went."""
    ran = office.run("prune", "--older-than", "90d")

    assert ran.code == 0
    assert "webhook_deliveries\tevents delivered or given up\t0" in ran.out


def test_slip_in_the_unit_is_refused(office: Shell) -> None:
    """What is younger than a week is not history."""
    ran = office.run("prune", "--older-than", "90m", "--yes")

    assert ran.code == 2
    assert "at least 7d" in ran.err


def test_operators_look_and_the_owner_prunes(company: Company, office: Shell) -> None:
    """Who is no owner sees what would go, and is told whose business it is."""
    aged(company)
    with made(company.dsn) as roles:
        login = {"BATCHCTL_DATABASE_URL": make_conninfo(roles.login("batch_operator"))}
        assert office.run("prune", "--older-than", "90d", "--dry-run", **login).code == 0
        ran = office.run("prune", "--older-than", "90d", "--yes", **login)

    assert ran.code == 78
    assert "only the owner of the tables prunes" in ran.err
    assert company.sql("select count(*) as n from webhook_deliveries")[0].n == 1
