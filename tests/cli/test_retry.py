"""`batchctl batch retry` and `task retry`: what they cost is said first, and what cannot be is refused."""

from uuid import UUID

from tests.cli.conftest import Shell
from tests.scenario import Company

MIXED = ["good", "bad [sim: fail=output_moderation]", "refused [sim: fail=input_moderation]"]


def ended(company: Company, permanent: int = 100) -> UUID:
    """Return a batch of which two tasks failed in two ways."""
    batch = company.enqueue(company.customer(permanent=permanent), MIXED)
    company.run_until_quiet()
    return batch


def test_batch_is_tried_again(company: Company, office: Shell) -> None:
    """The new batch is named, both name each other on their pages, and the record has the price."""
    batch = ended(company)

    ran = office.run("batch", "retry", str(batch)[:8], "--yes", "--reason", "provider was down")

    (new,) = company.sql("select id from batch_jobs where retry_of = %s", batch)
    assert ran.code == 0
    assert ran.out.splitlines()[1].split("\t")[2:] == [
        *("2", "10", "20", "90", str(company.batch(batch).user_id), str(new.id)),
    ]
    assert ran.err == "2 failed tasks tried again in 1 new batch, queued, for 20 credits\n"
    assert f"failed tasks of batch {batch}" in office.run("batch", "show", str(new.id)).out
    assert f"tried again by\tbatch {new.id}" in office.run("batch", "show", str(batch)).out
    (action,) = office.run("history", "--json").document["actions"]
    assert (action["command"], action["credits"], action["reason"]) == ("batch retry", 20, "provider was down")
    company.run_until_quiet()


def test_dry_run_says_count_price_and_balance(company: Company, office: Shell) -> None:
    """What the wallet cannot pay is warned of, with the command that helps; nothing is written."""
    batch = ended(company, permanent=30)
    company.enqueue(company.batch(batch).user_id, 1)
    company.run_until_quiet()

    ran = office.run("batch", "retry", str(batch), "--dry-run", "--json")

    (line,) = ran.document["batches"]
    assert (line["tasks"], line["required_credits"], line["available_credits"]) == (2, 20, 10)
    assert ran.document["schema"] == "batchctl/batch.retry/1"
    assert "has 10 credits, and it needs 20" in ran.err
    assert "wallet grant" in ran.err
    assert len(company.sql("select id from batch_jobs")) == 2
    assert office.run("history", "--json").document["actions"] == []


def test_second_time_needs_again(company: Company, office: Shell) -> None:
    """Exit 1 with the batch that tries it already; --again does it."""
    batch = ended(company)
    office.run("batch", "retry", str(batch), "--yes")
    (new,) = company.sql("select id from batch_jobs where retry_of = %s", batch)

    refused = office.run("batch", "retry", str(batch), "--yes")
    done = office.run("batch", "retry", str(batch), "--yes", "--again")

    assert (refused.code, refused.out) == (1, "")
    assert f"is tried again already by batch {new.id}: --again tries it once more; nothing was written" in refused.err
    assert done.code == 0
    company.run_until_quiet()


def test_open_batch_is_refused(company: Company, office: Shell) -> None:
    """A batch that is named and has not ended is refused with what to do."""
    batch = company.enqueue(company.customer(permanent=100), ["a [sim: polls=3]"])
    company.run_pass()

    ran = office.run("batch", "retry", str(batch), "--yes")

    assert ran.code == 1
    assert "is still open (processing): wait for its end, or cancel it" in ran.err
    company.run_until_quiet()


def test_selector_leaves_what_cannot_be(company: Company, office: Shell) -> None:
    """What a selector finds and cannot be tried again is told as a row, and holds up no other."""
    first, second = ended(company), ended(company)
    office.run("batch", "retry", str(first), "--yes")

    ran = office.run("batch", "retry", "--since", "1h", "--failure-type", "param_error", "--yes", "--json")

    left = {line["id"]: line["left"] for line in ran.document["batches"]}
    assert "tried again already" in left[str(first)]
    assert left[str(second)] is None
    (new,) = company.sql("select id from batch_jobs where retry_of = %s", second)
    assert [task.prompt for task in company.tasks(new.id)] == [MIXED[2]]
    company.run_until_quiet()


def test_chosen_tasks(company: Company, office: Shell) -> None:
    """By their ids, or those of a batch that failed in one way; a task that did not fail is refused."""
    batch = ended(company)
    good, bad, _ = company.tasks(batch)

    refused = office.run("task", "retry", str(good.id), str(bad.id), "--yes")
    named = office.run("task", "retry", str(bad.id)[:8], "--yes", "--json")
    of_batch = office.run("task", "retry", "--batch", str(batch), "--failure-type", "param_error", "--yes", "--json")

    assert refused.code == 1
    assert f"task {good.id} has not failed" in refused.err
    assert (named.document["schema"], named.document["tasks"]) == ("batchctl/task.retry/1", 1)
    assert (of_batch.code, of_batch.document["tasks"]) == (0, 1)
    company.run_until_quiet()


def test_without_a_terminal_it_says_what_to_paste(company: Company, office: Shell) -> None:
    """Nobody can be asked: exit 2, with the price and the command."""
    batch = ended(company)

    ran = office.run("batch", "retry", str(batch))

    assert ran.code == 2
    assert f"batch {batch}: 2 failed tasks, 20 credits" in ran.err
    assert "try 2 failed tasks again in 1 new batch? They freeze 20 credits when they are claimed." in ran.err
    assert f"batchctl batch retry {batch} --yes" in ran.err


def test_nothing_that_matches_is_said(office: Shell) -> None:
    """An empty result is said in words."""
    ran = office.run("task", "retry", "--since", "1h", "--yes")
    assert (ran.code, ran.out, ran.err) == (0, "", "no ended batch with failed tasks matches\n")
