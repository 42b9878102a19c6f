"""`batchctl webhook list`, `show` and `attempts`: in every form, with one selector, and never a whole address."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.simulator.answer import Answer
from tests.cli.conftest import Shell
from tests.scenario import Company

NASTY = "\x1b[2J\x1b]0;t\x07[red]x[/red]\u202eabc"


@pytest.fixture
def waiting(company: Company) -> Any:
    """Give an event that its receiver, whose address holds a token, did not take."""
    company.limit(webhook_quick_retries=0)
    answer = Answer(status=503, body=b"closed \x1b[2J until\nnine")
    company.receiver.script("/hook?token=hunter2", answer)
    batch_id = company.enqueue(uuid4(), 1, webhook="/hook?token=hunter2")
    company.run_pass()
    (row,) = company.deliveries(batch_id)
    return row


def test_list_in_a_pipe(company: Company, office: Shell, waiting: Any) -> None:
    """A line an event with tabs, whole ids, times in UTC, and no more of the address than the host."""
    ran = office.run("webhook", "list")
    assert (ran.code, ran.err) == (0, "")
    head, line = ran.out.rstrip("\n").split("\n")
    told = dict(zip(head.split("\t"), line.split("\t"), strict=True))
    assert (told["DELIVERY"], told["BATCH"]) == (str(waiting.id), str(waiting.batch_job_id))
    assert (told["STATUS"], told["TRIES"], told["CODE"]) == ("retrying", "1", "503")
    assert told["RECEIVER"] == company.receiver.base_url
    assert told["DETAIL"].startswith("HTTP 503; next try 2")
    assert "hunter2" not in ran.out


def test_show_has_all_of_it(company: Company, office: Shell, waiting: Any) -> None:
    """By the first digits of its id: what it waits for, its endpoint, each try with what was answered, and the body."""
    ran = office.run("webhook", "show", str(waiting.id)[:8])
    assert (ran.code, ran.err) == (0, "")
    for said in (
        str(waiting.batch_job_id),
        "a pass, from 2",
        "failing since 2",
        "the default secret",
        "HTTP 503\tclosed [2J until nine",
        waiting.body,
    ):
        assert said in ran.out, said
    assert "hunter2" not in ran.out
    document = office.run("webhook", "show", str(waiting.id), "--json").document
    assert (document["schema"], document["body"]) == ("batchctl/webhook.show/1", waiting.body)
    assert json.loads(document["body"])["batch_id"] == str(waiting.batch_job_id)
    assert [one["status_code"] for one in document["attempts"]] == [503]
    assert document["delivery"]["receiver"] == company.receiver.base_url


def test_attempts_are_the_log(office: Shell, waiting: Any) -> None:
    """All, of one event, of one batch, or of those that failed; the next try stands beside the last one."""
    for which in ([], [str(waiting.id)[:8]], ["--batch", str(waiting.batch_job_id)], ["--failed", "--since", "1h"]):
        ran = office.run("webhook", "attempts", *which, "--json")
        assert (ran.code, ran.err) == (0, "")
        (one,) = ran.document["attempts"]
        assert (one["delivery_id"], one["attempt"], one["status_code"]) == (str(waiting.id), 1, 503)
        assert (one["answer"], one["error"], one["by_operator"]) == ("closed [2J until nine", "HTTP 503", False)
        assert one["next_attempt_at"] is not None


@pytest.mark.parametrize("command", ["list", "attempts"])
@pytest.mark.parametrize("form", ["table", "plain", "json", "jsonl", "csv"])
def test_every_form(office: Shell, waiting: Any, command: str, form: str) -> None:
    """Lists can be written in each of the five; a page with several tables in all but CSV."""
    ran = office.run("webhook", command, "-o", form)
    assert (ran.code, ran.err) == (0, "")
    assert str(waiting.id)[:8] in ran.out
    if form == "jsonl":
        assert json.loads(ran.out)["schema"] == f"batchctl/webhook.{command}/1"


@pytest.mark.parametrize("command", ["list", "attempts"])
@pytest.mark.parametrize("columns", [80, 120, 200])
def test_tables_fit(office: Shell, waiting: Any, command: str, columns: int) -> None:
    """On a narrow terminal columns give way; what the operator needs to go on is there: the id, the state or code."""
    ran = office.on_terminal(columns, "webhook", command)
    assert max(map(len, ran.out.split("\n"))) <= columns
    assert str(waiting.id)[:8] in ran.out
    assert ("retrying" if command == "list" else "503") in ran.out
    if columns == 200:
        assert str(waiting.id) in office.on_terminal(columns, "webhook", command, "--no-trunc").out


@pytest.mark.parametrize("command", ["list", "attempts"])
@pytest.mark.parametrize(
    "which",
    [
        ["--since", "0s"],
        ["--until", "2h"],
        ["--user", str(uuid4())],
        ["--event", "batch.completed"],
        ["--host", "other.example"],
    ],
    ids=lambda which: which[0],
)
def test_nothing_is_said_in_words(office: Shell, waiting: Any, command: str, which: list[str]) -> None:
    """An empty list is no failure, and never a bare header."""
    del waiting
    ran = office.run("webhook", command, *which)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == ("no delivery matches\n" if command == "list" else "no try matches\n")


def test_status_narrows_the_list(office: Shell, waiting: Any) -> None:
    """It may be repeated."""
    assert str(waiting.id) in office.run("webhook", "list", "--status", "failed", "--status", "retrying").out
    assert office.run("webhook", "list", "--status", "sent").out == ""


@pytest.mark.parametrize("command", ["list", "attempts"])
def test_more_is_said(company: Company, office: Shell, waiting: Any, command: str) -> None:
    """How to see the rest stands on stderr."""
    del waiting
    company.enqueue(uuid4(), 1)
    company.run_pass()
    ran = office.run("webhook", command, "--limit", "1", "--json")
    assert ran.err == "1 shown, more match: --limit N shows more\n"
    assert ran.document["more"] is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show"], "DELIVERY"),
        (["show", "0033"], "there is no delivery"),
        (["show", "x"], "is no delivery"),
        (["attempts", "0033"], "there is no delivery"),
        (["attempts", "0033", "--batch", "0033"], "not both"),
        (["list", "--endpoint", "0033"], "there is no endpoint"),
        (["list", "--since", "1h", "--until", "2h"], "--until must be later"),
        (["list", "--status", "lost"], "--status"),
        (["list", "--limit", "0"], "--limit"),
    ],
)
def test_wrong_usage_is_2(office: Shell, arguments: list[str], said: str) -> None:
    """A line that says what to write, or where to look."""
    ran = office.run("webhook", *arguments)
    assert (ran.code, ran.out, said in ran.err) == (2, "", True)


@pytest.mark.parametrize("command", [["list"], ["attempts"], ["show"]], ids=" ".join)
def test_hostile_rows_are_harmless(company: Company, office: Shell, waiting: Any, command: list[str]) -> None:
    """What a customer or a receiver wrote moves no cursor, in no form."""
    company.sql("update webhook_deliveries set url = %s, last_error = %s", f"https://e{NASTY}.example/hunter2", NASTY)
    company.sql("update delivery_attempts set error = %s, answer = %s", NASTY, NASTY)
    arguments = [*command, str(waiting.id)] if command == ["show"] else command
    for ran in (
        office.run("webhook", *arguments),
        office.run("webhook", *arguments, "--json"),
        office.on_terminal(120, "webhook", *arguments),
    ):
        assert ran.code == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(ran.out + ran.err)
        assert "hunter2" not in ran.out
    company.sql("update batch_jobs set webhook_last_error = %s", NASTY)


def test_sent_event_waits_for_nothing(company: Company, office: Shell) -> None:
    """Delivered is delivered; given up says how it is tried once more; kept says which endpoint to enable."""
    company.limit(webhook_quick_retries=0, webhook_slow_retries=0)
    sent = company.enqueue(uuid4(), 1)
    company.receiver.script("/down", then=Answer(status=500))
    failed = company.enqueue(uuid4(), 1, webhook="/down")
    user_id = uuid4()
    url = f"{company.receiver.base_url}/kept"
    kept = company.enqueue(user_id, 1, webhook=url)
    endpoint: UUID = company.sql(
        "insert into webhook_endpoints (user_id, url, disabled_at, disabled_reason) values (%s, %s, now(), 'too slow')"
        " returning id",
        *(user_id, url),
    )[0].id
    company.limit(max_claim=10)
    company.run_pass()

    def shown(batch_id: UUID) -> str:
        (row,) = company.deliveries(batch_id)
        return office.run("webhook", "show", str(row.id)).out

    assert "nothing: it is delivered" in shown(sent)
    assert f"`batchctl webhook resend {failed}` tries it once more" in shown(failed)
    assert f"`batchctl webhook endpoint enable {endpoint}` sends it" in shown(kept)
    assert "disabled since" in shown(kept)
    assert "too slow" in shown(kept)
    assert f"kept until its endpoint is enabled: {str(endpoint)[:8]}" in office.run("webhook", "list").out
