"""`batchctl audit`: its table, its document, its exit codes."""

import pytest

from batchctl.statement import sql_dir
from tests.cli.conftest import Shell
from tests.scenario import Company

NAMES = {path.stem for path in (sql_dir() / "audit").glob("*.sql")}


def spoil(company: Company, credits_added: int) -> None:
    """Give every wallet credits of which no ledger knows; or take them away again."""
    company.sql("update credit_wallet set permanent_credits = permanent_credits + %s", credits_added)


def test_clean_audit_says_so(company: Company, office: Shell) -> None:
    """With nothing wrong every check is named with a zero, the last line says how many there were; exit 0."""
    company.customer(permanent=10)

    ran = office.run("audit")

    assert (ran.code, ran.err) == (0, "")
    head, *lines, empty, last = ran.out.splitlines()
    assert head == "CHECK\tGUARDS\tFOUND\tFIRST OFFENDERS"
    assert {line.split("\t")[0] for line in lines} == NAMES
    assert {line.split("\t")[2] for line in lines} == {"0"}
    assert (empty, last) == ("", f"{len(NAMES)} checks, nothing found")


def test_violation_is_exit_code_1(company: Company, office: Shell) -> None:
    """What is found is in the table row by row, and counted in one line on stderr; exit 1."""
    users = sorted(str(company.customer(permanent=10)) for _ in range(2))
    spoil(company, 5)

    ran = office.run("audit")
    spoil(company, -5)

    assert ran.code == 1
    assert ran.err == f"error: {len(NAMES)} checks, 2 violations: m2_wallet_is_ledger 2\n"
    found = [line.split("\t") for line in ran.out.splitlines() if line.startswith("m2_")]
    detail = "the wallet holds 15 permanent and 0 bonus, its ledger adds up to 10 and 0"
    assert [cells[2:] for cells in found] == [["2", f"customer {user}: {detail}"] for user in users]


def test_json_is_one_document(company: Company, office: Shell) -> None:
    """`--json` prints the whole report, each check with its time; the exit code and stderr are as without it."""
    user_id = company.customer(permanent=10)
    assert office.run("audit", "--json").code == 0
    spoil(company, 5)

    ran = office.run("audit", "--json", "--since", "2d")
    spoil(company, -5)

    assert ran.code == 1
    assert ran.err.startswith(f"error: {len(NAMES)} checks of what moved since ")
    assert ran.document.keys() == {"schema", "since", "adoption", "found", "duration_ms", "checks"}
    assert (ran.document["schema"], ran.document["found"], ran.document["adoption"]) == ("batchctl/audit/1", 1, None)
    assert ran.document["since"].endswith("Z")
    (check,) = [check for check in ran.document["checks"] if check["found"]]
    assert check.keys() == {"name", "guards", "found", "duration_ms", "first_offenders"}
    assert (check["first_offenders"][0]["kind"], check["first_offenders"][0]["id"]) == ("customer", str(user_id))
    assert all(isinstance(check["duration_ms"], int) for check in ran.document["checks"])


def test_some_checks_alone(company: Company, office: Shell) -> None:
    """`--only` runs the checks that it names, by name or code, and `--limit` bounds what is named of each."""
    for _ in range(3):
        company.customer(permanent=10)
    spoil(company, 5)

    ran = office.run("audit", "--only", "m2", "--only", "s1_ended_is_settled", "--limit", "1", "--json")
    spoil(company, -5)

    checks = ran.document["checks"]
    assert [check["name"] for check in checks] == ["m2_wallet_is_ledger", "s1_ended_is_settled"]
    assert (checks[0]["found"], len(checks[0]["first_offenders"])) == (3, 1)
    assert office.run("audit", "--only", "s1").code == 0


def test_list_needs_no_database(shell: Shell) -> None:
    """`--list` names all checks and what they guard, without any setting; or those that `--only` names."""
    ran = shell.run("audit", "--list")
    assert (ran.code, ran.err) == (0, "")
    assert {line.split("\t")[0] for line in ran.out.splitlines()[1:]} == NAMES

    document = shell.run("audit", "--list", "--only", "m1", "--json").document
    assert document == {
        "schema": "batchctl/audit/1",
        "checks": [{"name": "m1_nobody_owes_credits", "guards": "Nobody's wallet is below zero."}],
    }


@pytest.mark.parametrize("arguments", [("--only", "m99"), ("--since", "yesterday"), ("--limit", "0")])
def test_wrong_usage(office: Shell, arguments: tuple[str, ...]) -> None:
    """A check that is not there, a time that is none and a limit of nothing are wrong usage."""
    assert office.run("audit", *arguments).code == 2


def test_schema_must_be_migrated(shell: Shell, empty_dsn: str) -> None:
    """An audit of a database that is not migrated is a matter of configuration."""
    ran = shell.run("audit", BATCHCTL_DATABASE_URL=empty_dsn)

    assert (ran.code, "run `batchctl migrate`" in ran.err) == (78, True)


@pytest.mark.parametrize("columns", [80, 120, 160])
def test_table_fits_a_terminal(company: Company, office: Shell, columns: int) -> None:
    """On a terminal the table keeps within its width, names of checks stay whole, and each takes one line."""
    user_id = company.customer(permanent=10)
    clean = office.on_terminal(columns, "audit")
    spoil(company, 5)
    broken = office.on_terminal(columns, "audit")
    spoil(company, -5)

    for ran in (clean, broken):
        table = ran.out.partition("\nm2_")[0].splitlines()
        assert max(map(len, table)) <= columns
        assert len(table) < len(NAMES) + 9
        assert {line.split()[0] for line in table if line.strip()} >= NAMES
    assert clean.out.endswith(f"{len(NAMES)} checks, nothing found\n")
    assert f"customer {str(user_id)[:8]}" in broken.out
    assert f"  customer {user_id}: the wallet holds 15 permanent" in broken.out
