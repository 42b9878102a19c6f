"""`batchctl pause` and `resume`: the brake, what passes say of it, and the record of who used it."""

import json

import pytest

from tests.cli.conftest import Shell
from tests.scenario import Company

CONTRACT = ("dispatch", "poll", "settle", "webhook")


def test_pause_and_resume_from_end_to_end(company: Company, office: Shell) -> None:
    """Nothing is done while all is paused, everything afterwards; both are in the history with their reasons."""
    company.enqueue(company.customer(permanent=10), 1)

    paused = office.run("pause", "all", "--reason", "provider down", "--json")
    idle = office.run("run-once")
    document = office.run("run-once", "--json").document
    resumed = office.run("resume", "all", "--reason", "it is back")

    assert (paused.code, idle.code, resumed.code) == (0, 0, 0)
    assert paused.document["schema"] == "batchctl/pause/1"
    assert [line["stage"] for line in paused.document["stages"]] == list(CONTRACT)
    assert {(line["state"], line["changed"]) for line in paused.document["stages"]} == {("paused", True)}
    assert (idle.out, idle.err) == ("", "")
    assert [(one["stage"], one["reason"]) for one in document["paused"]] == [
        (stage, "provider down") for stage in CONTRACT
    ]
    assert document["dispatch"]["claimed"] == 0
    assert resumed.out.splitlines()[1] == "dispatch\tworking\t\t\t"
    assert office.run("run-once", "--json").document["dispatch"]["claimed"] == 1
    actions = office.run("history", "--json").document["actions"]
    assert [(one["command"], one["arguments"], one["reason"], one["changed_count"]) for one in actions] == [
        ("resume", {"stages": ["all"]}, "it is back", 4),
        ("pause", {"stages": ["all"]}, "provider down", 4),
    ]


@pytest.mark.parametrize(
    "command", [("dispatch",), ("poll",), ("settle",), ("webhook", "deliver")], ids=lambda words: words[0]
)
def test_stage_alone_obeys_and_says_so(office: Shell, command: tuple[str, ...]) -> None:
    """The command of a single stage is stopped too, exits 0, and says who stopped it and how it goes on."""
    stage = command[0]
    office.run("pause", stage, "--reason", "a\tb\x1b[2J")

    plain, document = office.run(*command), office.run(*command, "--json").document

    assert plain.code == 0
    assert plain.out.startswith(f"{stage}: paused by ")
    assert plain.out.endswith(f": a⇥b\\x1b[2J (`batchctl resume {stage}` lets it go on)\n")
    assert [one["stage"] for one in document["paused"]] == [stage]


def test_pass_shows_pauses_on_a_terminal_and_beside_its_work(company: Company, office: Shell) -> None:
    """On a terminal a pause is always shown; in a pipe only beside what the other stages did."""
    office.run("pause", "poll", "--reason", "look first")
    assert "paused by" in office.on_terminal(200, "run-once").out
    company.enqueue(company.customer(permanent=10), 1)

    ran = office.run("run-once")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == "dispatch: 1 batch claimed (10 credits frozen), 1 task started"
    assert ran.out.splitlines()[1].startswith("poll: paused by ")


def test_pause_says_what_it_means(office: Shell) -> None:
    """Whoever stops a stage is told what waits now and how it goes on; the second time, that the reason is new."""
    first = office.run("pause", "poll", "--reason", "one")
    again = office.run("pause", "poll", "webhook", "--reason", "two")

    assert "their videos' links live about 2 hours" in first.err
    assert first.err.endswith("to let it go on: batchctl resume poll\n")
    assert "poll: was paused already: the reason is changed" in again.err
    assert "webhook: customers are told later; `batchctl webhook resend` by hand still sends" in again.err
    assert again.out.count("two") == 2


def test_resume_says_what_was_not_paused(office: Shell) -> None:
    """Letting something go on that works is done, and said."""
    office.run("pause", "poll", "--reason", "one")

    ran = office.run("resume", "poll", "settle")

    assert (ran.code, ran.err) == (0, "settle was not paused\n")


def test_dry_run_changes_nothing(company: Company, office: Shell) -> None:
    """A rehearsal of either says what would be, and leaves no record."""
    ran = office.run("pause", "all", "--reason", "x", "--dry-run")
    assert "dispatch: would be paused; queued batches wait" in ran.err
    assert "paused\t" not in ran.out
    assert office.run("resume", "all", "--dry-run").err.splitlines()[0] == "dispatch was not paused"
    assert company.sql("select 1 from pauses union all select 1 from operator_actions") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["poll"], "--reason"),
        (["poll", "--reason", " "], "--reason must be text"),
        (["everything", "--reason", "x"], "'everything' is not one of"),
        (["--reason", "x"], "STAGE"),
    ],
)
def test_wrong_pauses_are_wrong_usage(company: Company, office: Shell, arguments: list[str], said: str) -> None:
    """A brake without a reason or a stage is refused, and nothing is paused."""
    ran = office.run("pause", *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert company.sql("select 1 from pauses") == []


def test_every_form_of_output(office: Shell) -> None:
    """The state of the stages as a table, lines, JSON, a line of JSON each, and CSV."""
    office.run("pause", "settle", "--reason", "audit")
    table = office.on_terminal(80, "resume", "poll").out
    lines = [json.loads(line) for line in office.run("resume", "poll", "-o", "jsonl").out.splitlines()]
    csv = office.run("resume", "poll", "-o", "csv").out.splitlines()

    assert max(map(len, table.splitlines())) <= 80
    assert "audit" in table
    assert [(line["schema"], line["stage"], line["state"]) for line in lines][2] == (
        "batchctl/resume/1",
        "settle",
        "paused",
    )
    assert csv[0] == "STAGE,STATE,SINCE,BY,REASON"


def test_doctor_names_each_pause(company: Company, office: Shell) -> None:
    """Who, since when, why, and the command that lets it go on; what waits for it is no failure while it lasts."""
    company.enqueue(company.customer(permanent=10), ["a [sim: never]"])
    company.run_pass()
    office.run("pause", "poll", "--reason", "provider down")
    company.sql("update video_tasks set next_poll_at = now() - interval '1 hour'")

    ran = office.run("doctor", "--json")

    (line,) = (one for one in ran.document["diagnoses"] if one["check"] == "paused")
    assert (line["level"], line["advice"]) == ("warn", "`batchctl resume poll` when that is over")
    assert line["found"].startswith("poll is paused by ")
    assert line["found"].endswith(" s: provider down")
    (polls,) = (one for one in ran.document["diagnoses"] if one["check"] == "polls")
    assert (polls["level"], polls["found"][-13:]) == ("warn", ": poll paused")
