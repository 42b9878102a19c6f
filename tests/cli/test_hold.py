"""`batchctl hold list | release`: what waits for an operator, and how it goes on."""

import pytest

from tests.cli.conftest import Shell
from tests.scenario import Company
from tests.service.test_hold import give_wallet, without_wallet


def test_hold_is_listed_and_released(company: Company, office: Shell) -> None:
    """What is on hold is a table, a line, a document; named by its first digits it goes on, unasked, and on record."""
    batch = without_wallet(company)
    table = office.on_terminal(80, "hold", "list").out
    plain = office.run("hold", "list").out.splitlines()
    document = office.run("hold", "list", "--json").document
    assert max(map(len, table.splitlines())) <= 80
    assert "10 credits are frozen for them" in table
    assert plain[0] == "KIND\tID\tBATCH\tCUSTOMER\tSTATE\tSINCE\tCREDITS\tREASON"
    assert plain[1].startswith(f"batch\t{batch}\t{batch}\t")
    assert (document["schema"], document["holds"][0]["credits"]) == ("batchctl/hold.list/1", 10)

    give_wallet(company, batch)
    ran = office.run("hold", "release", str(batch)[:8], "--reason", "wallet restored")

    assert (ran.code, ran.err) == (0, "")
    assert "\t10\treleased\tWALLET_NOT_FOUND" in ran.out
    (action,) = office.run("history", "--json").document["actions"]
    assert (action["command"], action["reason"], action["outcome"]) == ("hold release", "wallet restored", "done")
    assert (action["matched_count"], action["changed_count"], action["credits"]) == (1, 1, 10)
    assert office.run("run-once").code == 0
    assert company.batch(batch).status == "failed"


def test_selector_is_asked_about(company: Company, office: Shell) -> None:
    """What a selector finds is shown by --dry-run and released after --yes only; the question says how much it is."""
    batch = without_wallet(company)
    give_wallet(company, batch)

    rehearsed = office.run("hold", "release", "--matching", "wallet_not", "--dry-run")
    asked = office.run("hold", "release", "--matching", "wallet_not")
    assert "would be released" in rehearsed.out
    assert (asked.code, asked.out) == (2, "")
    assert "release 1 batch, for which 10 credits are frozen? Nobody can be asked here" in asked.err
    assert "batchctl hold release --matching wallet_not --yes" in asked.err
    assert company.batch(batch).hold_reason is not None
    assert company.sql("select 1 from operator_actions") == []

    assert office.run("hold", "release", "--all", "--yes").code == 0
    company.run_until_quiet()


def test_nothing_on_hold_is_said(office: Shell) -> None:
    """An empty list, and a selector that finds nothing, are said in words, and are no failure."""
    for words in (("list",), ("release", "--all", "--yes")):
        ran = office.run("hold", *words)
        assert (ran.code, ran.out, ran.err) == (0, "", "nothing is on hold that matches\n")
    assert office.run("hold", "list", "--json").document["holds"] == []


def test_task_in_doubt_is_told_about(company: Company, office: Shell) -> None:
    """Who releases a task that the provider may have is told what decides then."""
    company.enqueue(company.customer(permanent=10), ["a [sim: submit=malformed]"])
    office.run("dispatch", BATCH_ORPHAN_POLICY="hold")

    ran = office.run("hold", "release", "--all", "--dry-run")

    assert "1 task may be at the provider already" in ran.err
    assert "BATCH_ORPHAN_POLICY=fail" in ran.err
    office.run("hold", "release", "--all", "--yes")
    company.clock.advance(1300)
    company.run_until_quiet()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say what to release"),
        (["0033894e", "--all"], "but not both"),
        (["0033894e", "--matching", "x"], "but not both"),
        (["--all", "--since", "2h"], "--all is all that is on hold"),
        (["0033894e"], "there is no batch or task on hold 0033894e: `batchctl hold list` shows which there are"),
        (["xyz"], "is no batch or task on hold"),
        (["--since", "soon"], "'soon' is no time"),
        (["--matching", ""], "--matching must be text"),
        (["--matching", "a\x00"], "--matching must be text"),
    ],
)
def test_wrong_selections_are_wrong_usage(office: Shell, arguments: list[str], said: str) -> None:
    """A selection that is none, or two, is refused with exit code 2."""
    ran = office.run("hold", "release", *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_row_that_the_database_keeps_is_an_error(company: Company, office: Shell) -> None:
    """A row that the database does not let go is named with what it says, and the command exits 1."""
    batch = without_wallet(company)
    company.sql("alter table batch_jobs add constraint stays check (hold_reason is not null)")

    ran = office.run("hold", "release", "--all", "--yes")

    assert (ran.code, ran.out.count("refused by the database")) == (1, 1)
    assert "the database refused to release 1 of 1 rows: mend them first" in ran.err
    company.sql("alter table batch_jobs drop constraint stays")
    give_wallet(company, batch)
    office.run("hold", "release", "--all", "--yes")
    company.run_until_quiet()
