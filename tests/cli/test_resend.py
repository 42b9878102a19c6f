"""`batchctl webhook resend`: its report in every form, its exit codes, what it refuses."""

import os
import signal
import subprocess
import sys
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.simulator.faults import http_status
from tests.cli.conftest import Shell
from tests.scenario import Company

LINE_KEYS = {
    *("batch_id", "event_type", "webhook_id", "receiver", "receiver_before", "result", "status", "attempts"),
    *("status_code", "duration_ms", "error", "next_attempt_at", "delivered_at"),
}


@pytest.fixture
def failed(company: Company) -> UUID:
    """Give a batch whose event was given up; its receiver, whose address holds a token, is well again."""
    return given_up(company, "/hook?token=hunter2")


def given_up(company: Company, webhook: str) -> UUID:
    """Have a batch whose event was given up."""
    company.limit(webhook_quick_retries=0, webhook_slow_retries=0)
    company.receiver.script(webhook, then=http_status(500))
    batch_id = company.enqueue(uuid4(), 1, webhook=webhook)
    company.run_pass()
    company.receiver.script(webhook)
    return batch_id


def event(company: Company, batch_id: UUID) -> Any:
    """Return the row of a batch's one event."""
    (delivery,) = company.deliveries(batch_id)
    return delivery


def test_delivered_is_0(company: Company, office: Shell, failed: UUID) -> None:
    """Without a terminal the result is a line with tabs; the talk stays silent, and no address is shown whole."""
    ran = office.run("webhook", "resend", str(failed))
    assert (ran.code, ran.err) == (0, "")
    head, line = ran.out.rstrip("\n").split("\n")
    told = dict(zip(head.split("\t"), line.split("\t"), strict=True))
    assert (told["BATCH"], told["WEBHOOK-ID"]) == (str(failed), str(event(company, failed).id))
    assert (told["RESULT"], told["CODE"], told["STATUS"]) == ("delivered", "200", "sent")
    assert told["RECEIVER"] == company.receiver.base_url
    assert "hunter2" not in ran.out


def test_not_delivered_is_1(company: Company, office: Shell, failed: UUID) -> None:
    """One that failed is enough, and is said on stderr in one line; the other one is delivered all the same."""
    other = given_up(company, "/other")
    company.receiver.script("/other", then=http_status(503))
    ran = office.run("webhook", "resend", str(other), str(failed))
    assert (ran.code, ran.err) == (1, "error: of 2 deliveries 1 not delivered\n")
    assert [event(company, batch_id).status for batch_id in (other, failed)] == ["failed", "sent"]


def test_not_tried_is_1(company: Company, office: Shell) -> None:
    """What was asked for and cannot be made is a failure too, and its reason is told."""
    batch_id = company.enqueue(company.customer(permanent=10), 1)
    ran = office.run("webhook", "resend", str(batch_id)[:8])
    assert (ran.code, ran.err) == (1, "error: of 1 deliveries 1 not tried\n")
    assert "the batch is queued: there is nothing to tell yet" in ran.out


def test_json_is_one_document(company: Company, office: Shell, failed: UUID) -> None:
    """The first key names the form; counts and lines follow, and nothing else is on stdout."""
    company.receiver.script("/hook?token=hunter2", then=http_status(500))
    ran = office.run("webhook", "resend", str(failed), "--json")
    assert ran.code == 1
    document = ran.document
    assert next(iter(document.items())) == ("schema", "batchctl/webhook.resend/1")
    assert (document["dry_run"], document["matched"]) == (False, 1)
    counts = [document[name] for name in ("delivered", "not_delivered", "not_tried", "would_be_tried")]
    assert counts == [0, 1, 0, 0]
    (line,) = document["deliveries"]
    assert line.keys() == LINE_KEYS
    assert (line["result"], line["status"], line["status_code"], line["error"]) == (
        *("not delivered", "failed", 500),
        "HTTP 500",
    )
    assert "hunter2" not in ran.out


def test_terminal_gets_a_table_and_its_sum(company: Company, office: Shell, failed: UUID) -> None:
    """A row a delivery with the result and the code, and below them how many came to what."""
    other = given_up(company, "/other")
    company.receiver.script("/other", then=http_status(503))
    ran = office.on_terminal(80, "webhook", "resend", str(failed), str(other))
    assert ran.code == 1
    assert max(map(len, ran.out.split("\n"))) <= 80
    rows = [line.split() for line in ran.out.split("\n") if line.split()[:1] in ([str(failed)[:8]], [str(other)[:8]])]
    assert [row[2:4] for row in rows] == [["delivered", "200"], ["not", "delivered"]]
    assert "1 delivered, 1 not delivered" in ran.out


def test_failed_takes_a_window(company: Company, office: Shell, failed: UUID) -> None:
    """`--failed --since` resends what was given up in that time, and leaves the rest."""
    old = given_up(company, "/old")
    company.sql(
        "update delivery_attempts set started_at = started_at - interval '3 hours' where delivery_id = %s",
        event(company, old).id,
    )
    ran = office.run("webhook", "resend", "--failed", "--since", "2h", "--json", "--yes")
    assert (ran.code, [line["batch_id"] for line in ran.document["deliveries"]]) == (0, [str(failed)])
    assert event(company, old).status == "failed"
    ran = office.run("webhook", "resend", "--failed", "--since", "4h", "--until", "2h", "--json", "-y")
    assert (ran.code, [line["batch_id"] for line in ran.document["deliveries"]]) == (0, [str(old)])


def test_more_than_the_limit_is_said(company: Company, office: Shell, failed: UUID) -> None:
    """The ones tried longest ago are taken, and stderr says how many there are and how to go on."""
    given_up(company, "/second")
    ran = office.run("webhook", "resend", "--failed", "--since", "2h", "--limit", "1", "--json", "-y")
    assert (ran.code, [line["batch_id"] for line in ran.document["deliveries"]]) == (0, [str(failed)])
    assert ran.document["matched"] == 2
    assert ran.err == (
        "2 match; these are the 1 that were tried longest ago: run it again for the next ones, or raise --limit\n"
    )


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_nothing_to_resend_is_0_and_said(office: Shell, options: list[str]) -> None:
    """An empty window is no failure: a sentence on stderr, and for --json an empty document."""
    ran = office.run("webhook", "resend", "--failed", "--since", "2h", *options)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "no delivery that was given up was last tried in that time: nothing to resend\n"
    ran = office.run("webhook", "resend", "--failed", "--since", "2h", "--json", *options)
    assert (ran.code, ran.err, ran.document["deliveries"]) == (0, "", [])
    ran = office.run("webhook", "recover", "--since", "2h", *options)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == (
        "no event of that time waits or was given up: nothing to send (--status sent repeats what was delivered)\n"
    )


# What a selector finds is asked for


SELECTIONS = (["resend", "--failed", "--since", "2h"], ["recover", "--since", "2h"])


@pytest.mark.parametrize("selection", SELECTIONS, ids=" ".join)
def test_selection_is_not_sent_unasked(company: Company, office: Shell, failed: UUID, selection: list[str]) -> None:
    """Without a terminal it shows what it found, and the command that needs no answer; nothing is sent or recorded."""
    connections = company.receiver.connections
    ran = office.run("webhook", *selection)
    assert (ran.code, ran.out) == (2, "")
    assert f"{str(failed)[:8]}  batch.failed  {company.receiver.base_url}  failed: HTTP 500" in ran.err
    assert f"batchctl webhook {' '.join(selection)} --yes" in ran.err
    assert "send 1 event to 1 receiver once more?" in ran.err
    assert company.receiver.connections == connections
    assert company.sql("select 1 from operator_actions") == []


@pytest.mark.parametrize("selection", SELECTIONS, ids=" ".join)
@pytest.mark.parametrize("answer", [True, False])
def test_person_decides(
    company: Company,
    office: Shell,
    failed: UUID,
    monkeypatch: pytest.MonkeyPatch,
    selection: list[str],
    answer: bool,  # noqa: FBT001 - a case
) -> None:
    """On a terminal the question is asked; a no changes nothing and is exit 1."""
    asked: list[str] = []

    def confirm(question: str, **_: object) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr("typer.confirm", confirm)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    ran = office.run("webhook", *selection)
    assert asked == ["send 1 event to 1 receiver once more?"]
    assert (ran.code, event(company, failed).status) == ((0, "sent") if answer else (1, "failed"))


@pytest.mark.parametrize("options", [[], ["--reason", "they asked"]])
def test_what_was_done_is_recorded(company: Company, office: Shell, failed: UUID, options: list[str]) -> None:
    """Who sent what and why, and how many were delivered; a batch that is named is not asked for."""
    other = given_up(company, "/other")
    assert office.run("webhook", "resend", str(failed), *options).code == 0
    company.receiver.script("/other", then=http_status(500))
    assert office.run("webhook", "recover", "--since", "2h", "--yes", *options).code == 1
    recover, resend = company.sql("select * from operator_actions order by began_at desc")
    assert (resend.command, resend.arguments) == ("webhook resend", {"batches": [str(failed)]})
    assert (recover.command, recover.arguments) == ("webhook recover", {"since": "2h"})
    assert (resend.matched_count, resend.changed_count, resend.outcome) == (1, 1, "done")
    assert (recover.matched_count, recover.changed_count, recover.outcome) == (1, 0, "done")
    assert {recover.reason, resend.reason} == {options[1] if options else None}
    assert event(company, other).status == "failed"


def test_many_are_shown_by_samples(company: Company, office: Shell) -> None:
    """Five of them, and how many more there are."""
    for number in range(7):
        given_up(company, f"/{number}")
    ran = office.run("webhook", "recover", "--since", "2h")
    assert ran.err.count("batch.failed") == 5
    assert "… and 2 more; --dry-run lists all" in ran.err
    assert "send 7 events" in ran.err


# `webhook recover`


def test_recover_replays_a_window(company: Company, office: Shell, failed: UUID) -> None:
    """What was missed since then for a receiver goes out again, under its own schema; a second run finds nothing."""
    host = company.receiver.base_url.removeprefix("http://")
    selector = ["--since", "2h", "--host", host, "--event", "batch.failed", "--yes"]
    rehearsed = office.run("webhook", "recover", *selector, "--dry-run", "--json").document
    assert (rehearsed["schema"], rehearsed["dry_run"]) == ("batchctl/webhook.recover/1", True)
    ran = office.run("webhook", "recover", *selector, "--json")
    assert (ran.code, ran.err) == (0, "")
    for document in (rehearsed, ran.document):
        assert [line["batch_id"] for line in document["deliveries"]] == [str(failed)]
    assert (ran.document["delivered"], ran.document["skipped"]) == (1, 0)
    assert office.run("webhook", "recover", *selector, "--json").document["matched"] == 0


@pytest.mark.parametrize(
    "which",
    [["--user", str(uuid4())], ["--host", "other.example"], ["--status", "pending"], ["--until", "1h"]],
    ids=lambda which: which[0],
)
def test_recover_takes_no_more_than_it_is_asked_for(
    company: Company, office: Shell, failed: UUID, which: list[str]
) -> None:
    """Another customer, another receiver, another state, another time: nothing is sent."""
    ran = office.run("webhook", "recover", "--since", "2h", "--yes", *which)
    assert (ran.code, "nothing to send" in ran.err) == (0, True)
    assert event(company, failed).status == "failed"


def test_recover_repeats_what_was_taken_when_asked(company: Company, office: Shell, failed: UUID) -> None:
    """`--status sent` for a receiver that lost what it had taken."""
    assert office.run("webhook", "recover", "--since", "2h", "--yes").code == 0
    ran = office.run("webhook", "recover", "--since", "2h", "--status", "sent", "--yes", "--json")
    assert (ran.code, ran.document["delivered"], event(company, failed).attempts) == (0, 1, 3)


def test_recover_needs_a_beginning(office: Shell) -> None:
    """Nothing is replayed from the beginning of time."""
    ran = office.run("webhook", "recover", "--yes")
    assert (ran.code, "--since" in ran.err) == (2, True)


@pytest.mark.parametrize("form", ["table", "plain", "json", "jsonl", "csv"])
@pytest.mark.parametrize("selection", SELECTIONS, ids=" ".join)
def test_every_form(office: Shell, failed: UUID, selection: list[str], form: str) -> None:
    """Both can be written in each of the five."""
    ran = office.run("webhook", *selection, "--dry-run", "-o", form)
    assert (ran.code, ran.err) == (0, "")
    assert str(failed)[:8] in ran.out


def test_dry_run_is_0_and_sends_nothing(company: Company, office: Shell, failed: UUID) -> None:
    """It lists what would be sent and why something would not be, and changes nothing."""
    queued = company.enqueue(company.customer(permanent=10), 1)
    row, connections = event(company, failed), company.receiver.connections
    ran = office.run("webhook", "resend", str(failed), str(queued), "--dry-run", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [line["result"] for line in ran.document["deliveries"]] == ["would be tried", "not tried"]
    assert ran.document["dry_run"] is True
    shown = office.on_terminal(80, "webhook", "resend", str(failed), "--dry-run")
    assert (shown.code, "1 would be tried; a dry run: nothing was sent" in shown.out) == (0, True)
    assert (event(company, failed), company.receiver.connections) == (row, connections)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say what to resend"),
        (["--since", "2h"], "say what to resend"),
        (["--failed"], "--failed needs --since"),
        (["0033", "--failed", "--since", "2h"], "not both"),
        (["0033", "--since", "2h"], "go with --failed"),
        (["0033", "--limit", "2"], "go with --failed"),
        (["--failed", "--since", "soon"], "is no time"),
        (["--failed", "--since", "1h", "--until", "2h"], "--until must be later than --since"),
        (["--failed", "--since", "1h", "--limit", "0"], "--limit"),
        (["00333333-0000-4000-8000-000000000000"], "there is no batch"),
    ],
)
def test_wrong_usage_is_2(company: Company, office: Shell, failed: UUID, arguments: list[str], said: str) -> None:
    """No selection, two of them, or one that cannot be read: a line that says what to write, and nothing is sent."""
    tries = len(company.tries(failed))
    ran = office.run("webhook", "resend", *arguments)
    assert (ran.code, ran.out, said in ran.err) == (2, "", True)
    assert len(company.tries(failed)) == tries


def test_hostile_address_is_shown_harmless(company: Company, office: Shell, failed: UUID) -> None:
    """An address that a customer wrote moves no cursor, whether it is refused or not, and its path is not shown."""
    company.sql(
        "update batch_jobs set webhook_url = %s where id = %s", "https://e\x1b[2J\u202e.example/hunter2", failed
    )
    for ran in (
        office.run("webhook", "resend", str(failed)),
        office.on_terminal(160, "webhook", "resend", str(failed)),
        office.run("webhook", "resend", str(failed), "--json"),
    ):
        assert (ran.code, "FORBIDDEN_URL" in ran.out) == (1, True)
        assert not {"\x1b", "\u202e"} & set(ran.out + ran.err)
        assert "hunter2" not in ran.out + ran.err


@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signal_finishes_what_is_in_flight(company: Company, office: Shell, signal_number: int, code: int) -> None:
    """Nothing more is begun; what is in flight is recorded and listed, and the rest is listed as not tried."""
    batch_ids = [given_up(company, f"/{number}") for number in range(15)]
    begun, go_on = Event(), Event()

    def when_told(_: object) -> None:
        begun.set()
        go_on.wait(5)

    company.when_told = when_told
    worker = subprocess.Popen(
        [sys.executable, "-m", "batchctl", "webhook", "resend", *map(str, batch_ids), "--json"],
        env={**os.environ, **office.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert begun.wait(20)
    worker.send_signal(signal_number)
    # The signal is noticed by the process before an answer can be: that comes only now.
    go_on.set()

    out, err = worker.communicate(timeout=20)

    assert (worker.returncode, "interrupted" in err) == (code, True)
    statuses = {batch_id: event(company, batch_id).status for batch_id in batch_ids}
    assert set(statuses.values()) == {"sent", "failed"}
    assert out.count('"result": "delivered"') == list(statuses.values()).count("sent") == 10
    assert out.count('"error": "stopped before its turn"') == 5
    assert company.sql("select 1 from delivery_attempts where duration_ms is null") == []
