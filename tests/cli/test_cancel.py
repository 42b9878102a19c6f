"""`batchctl batch cancel`: what is found, what is asked, what is done, and what is written down."""

import csv
import io
from typing import Any

import pytest

from batchctl.service.claim import claim
from tests.cli.conftest import Shell
from tests.scenario import Company


def test_named_batch_is_cancelled(company: Company, office: Shell) -> None:
    """Its first digits are enough; the outcome is a row, what follows is said on stderr, and the record says why."""
    batch = company.enqueue(company.customer(permanent=100), 3)
    claim(company.world)

    ran = office.run("batch", "cancel", str(batch)[:8], "--yes", "--reason", "wrong prompt")

    assert ran.code == 0
    assert ran.out.splitlines()[1].split("\t")[:5] == [str(batch), "processing", "3", "0", "30"]
    assert ran.out.splitlines()[1].endswith("\tcancelled")
    assert ran.err == ("1 batch cancelled: nothing more is sent; up to 30 credits go back at the settlement\n")
    (action,) = office.run("history", "--json").document["actions"]
    assert (action["command"], action["reason"]) == ("batch cancel", "wrong prompt")
    assert (action["arguments"], action["changed_count"]) == ({"batches": [str(batch)[:8]]}, 1)
    company.run_until_quiet()


def test_dry_run_finds_the_same_and_changes_nothing(company: Company, office: Shell) -> None:
    """The rehearsal lists what the act lists, and needs nobody's consent."""
    customer = company.customer(permanent=100)
    company.enqueue(customer, 2)
    company.enqueue(company.customer(permanent=10), 1)
    selector = ("--since", "1h", "--user", str(customer))

    rehearsed = office.run("batch", "cancel", *selector, "--dry-run", "--json")
    done = office.run("batch", "cancel", *selector, "--yes", "--json")

    assert (rehearsed.code, done.code) == (0, 0)
    assert (rehearsed.document["is_rehearsal"], done.document["is_rehearsal"]) == (True, False)
    assert rehearsed.document["batches"] == done.document["batches"]
    assert done.document["schema"] == "batchctl/batch.cancel/1"
    assert "a rehearsal, nothing was changed: 1 batch and 2 unsent tasks would be cancelled" in rehearsed.err
    assert len(office.run("history", "--json").document["actions"]) == 1
    assert [row.status for row in company.sql("select status from batch_jobs order by status")] == ["failed", "queued"]
    company.run_until_quiet()


def test_without_a_terminal_it_says_what_to_paste(company: Company, office: Shell) -> None:
    """Nobody can be asked: exit 2, with samples, the count, the credits, and the command that needs no answer."""
    batch = company.enqueue(company.customer(permanent=100), 3)
    claim(company.world)

    ran = office.run("batch", "cancel", "--since", "1h")

    assert (ran.code, ran.out) == (2, "")
    assert f"batch {batch}: processing, 3 unsent tasks, 0 running" in ran.err
    assert "cancel 1 batch? 3 unsent tasks fail as CANCELLED, giving back up to 30 credits." in ran.err
    assert "to do it: batchctl batch cancel --since 1h --yes" in ran.err
    assert company.batch(batch).cancelled_at is None
    company.run_until_quiet()


def test_cancelling_again_is_no_error(company: Company, office: Shell) -> None:
    """What is asked for is so: exit 0, and nothing is asked or written."""
    batch = company.enqueue(company.customer(permanent=100), 1)
    office.run("batch", "cancel", str(batch), "--yes")

    ran = office.run("batch", "cancel", str(batch))

    assert (ran.code, ran.err) == (0, "nothing to cancel: what was found has ended or is cancelled already\n")
    assert ran.out.splitlines()[1].endswith("\tis cancelled already")
    company.run_until_quiet()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say which: name ids, or write --since TIME"),
        (("--user", "7e5e7bba-0000-4000-8000-000000000001"), "say which: name ids, or write --since TIME"),
        (("0033894e", "--since", "1h"), "but not both"),
        (("0033894e",), "there is no batch 0033894e"),
        (("--since", "yesterday-ish"), "yesterday-ish"),
    ],
)
def test_wrong_usage(office: Shell, arguments: tuple[str, ...], said: str) -> None:
    """What is bounded by nothing, or by two things, is refused before anything is looked for."""
    ran = office.run("batch", "cancel", *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_nothing_that_matches_is_said(office: Shell) -> None:
    """An empty result is said in words."""
    ran = office.run("batch", "cancel", "--since", "1h", "--yes")
    assert (ran.code, ran.out, ran.err) == (0, "", "no open batch matches\n")


def test_every_form(company: Company, office: Shell) -> None:
    """A table on a terminal, a line for each batch as JSON, CSV."""
    for _ in range(2):
        company.enqueue(company.customer(permanent=10), 1)

    def run(*form: str) -> Any:
        return office.on_terminal(80, "batch", "cancel", "--since", "1h", "--dry-run", *form).out

    assert max(map(len, run().splitlines())) <= 80
    assert len(run("-o", "jsonl").splitlines()) == 2
    rows = list(csv.reader(io.StringIO(run("-o", "csv"))))
    assert [row[-1] for row in rows] == ["OUTCOME", "would be cancelled", "would be cancelled"]
    company.run_until_quiet()
