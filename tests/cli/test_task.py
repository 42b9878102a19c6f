"""`batchctl task list | show | resolve`."""

from uuid import UUID

import pytest

from batchctl.domain.limits import OrphanPolicy
from tests.cli.conftest import Shell
from tests.scenario import Company


def in_doubt(company: Company) -> UUID:
    """Return a task of which nobody knows whether the provider accepted it."""
    company.limit(orphan_policy=OrphanPolicy.HOLD)
    batch = company.enqueue(company.customer(permanent=10), ["a [sim: submit=504 submit_times=1]"])
    company.run_pass()
    task_id: UUID = company.tasks(batch)[0].id
    return task_id


def test_list_by_selector(company: Company, office: Shell) -> None:
    """Rows with whole ids in a pipe; JSON says whether there are more; a table fits the terminal."""
    batch = company.enqueue(company.customer(permanent=100), ["good", "bad [sim: fail=error]", "good too"])
    company.run_until_quiet()

    failed = office.run("task", "list", "--batch", str(batch)[:8], "--status", "failed")
    document = office.run("task", "list", "--limit", "2", "--json")
    terminal = office.on_terminal(80, "task", "list")

    (row,) = failed.out.splitlines()[1:]
    assert row.split("\t")[:4] == [str(company.tasks(batch)[1].id), str(batch), "1", "failed"]
    assert (document.document["schema"], len(document.document["tasks"])) == ("batchctl/task.list/1", 2)
    assert document.document["more"]
    assert document.err == "2 shown, more match: --limit N shows more\n"
    assert max(map(len, terminal.out.splitlines())) <= 80


def test_list_by_the_provider_s_id(company: Company, office: Shell) -> None:
    """Who reads the provider's records finds the task, and is told when there is none."""
    batch = company.enqueue(company.customer(permanent=100), 2)
    company.run_pass()
    task = company.tasks(batch)[1]

    found = office.run("task", "list", "--provider-id", task.grsai_task_id, "--json")
    none = office.run("task", "list", "--provider-id", "nobody's")

    assert [line["id"] for line in found.document["tasks"]] == [str(task.id)]
    assert (none.code, none.out, none.err) == (0, "", "no task matches\n")
    company.run_until_quiet()


def test_show_is_a_page_and_a_document(company: Company, office: Shell) -> None:
    """What it waits for stands at the top; prompt and errors are one harmless line each."""
    batch = company.enqueue(company.customer(permanent=100), ["two\nlines\x1b[2J [sim: fail=error]"])
    company.run_until_quiet()
    (task,) = company.tasks(batch)

    page = office.run("task", "show", str(task.id)[:8])
    document = office.run("task", "show", str(task.id), "--json").document

    assert page.code == 0
    assert page.out.startswith(f"TASK\t{task.id}\nbatch\t{batch}\n")
    assert "next\tnothing: it has ended\n" in page.out
    assert "prompt\ttwo⏎lines\\x1b[2J [sim: fail=error]\n" in page.out
    assert (document["schema"], document["task"]["status"]) == ("batchctl/task.show/1", "failed")
    assert max(map(len, office.on_terminal(80, "task", "show", str(task.id)).out.splitlines())) <= 80


def test_page_of_a_doubtful_task_has_the_commands(company: Company, office: Shell) -> None:
    """Each of the three decisions can be pasted from the page."""
    task = in_doubt(company)

    page = office.run("task", "show", str(task)).out

    assert page.startswith("THE TASK IS ON HOLD: SUBMIT_OUTCOME_UNKNOWN\n")
    for decision in ("--accepted PROVIDER_ID", "--submit-again", "--failed"):
        assert f"  batchctl task resolve {task} {decision}\n" in page
    office.run("task", "resolve", str(task), "--failed", "--yes")
    company.run_until_quiet()


def test_resolve(company: Company, office: Shell) -> None:
    """Rehearsed, asked for, done, and written down with the reason."""
    task = in_doubt(company)

    rehearsed = office.run("task", "resolve", str(task), "--failed", "--dry-run", "--json")
    asked = office.run("task", "resolve", str(task), "--failed")
    done = office.run("task", "resolve", str(task)[:8], "--submit-again", "--yes", "--reason", "not in their records")
    again = office.run("task", "resolve", str(task), "--failed", "--yes")

    assert (rehearsed.document["is_rehearsal"], rehearsed.document["status"]) == (True, "failed")
    assert (asked.code, asked.out) == (2, "")
    assert f"batchctl task resolve {task} --failed --yes" in asked.err
    assert (done.code, done.err) == (0, "decided: it is sent once more by the next pass\n")
    assert again.code == 1
    assert "is pending: it was not sent" in again.err
    # The refusal was rehearsed, so that there is nothing to write down.
    (action,) = office.run("history", "--json").document["actions"]
    assert (action["command"], action["reason"], action["outcome"]) == ("task resolve", "not in their records", "done")
    company.run_until_quiet()


@pytest.mark.parametrize("decisions", [(), ("--failed", "--submit-again"), ("--failed", "--accepted", "x")])
def test_one_decision_is_needed(office: Shell, decisions: tuple[str, ...]) -> None:
    """None, or two, is wrong usage."""
    ran = office.run("task", "resolve", "0033894e", *decisions)

    assert (ran.code, ran.out) == (2, "")
    assert "decide one of: --accepted PROVIDER_ID, --failed, --submit-again" in ran.err
