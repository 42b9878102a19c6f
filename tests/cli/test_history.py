"""`batchctl history`: who changed what by hand, in every form of output."""

import csv
import io
import json

from batchctl.domain.action import Command
from batchctl.service.actions import acting
from tests.cli.conftest import Shell
from tests.scenario import Company


def _act(company: Company, reason: str) -> None:
    command = Command(os_user="ann", host="desk", name="batch cancel", arguments={"user": "u 1"}, reason=reason)
    with acting(company.world, command) as tally:
        tally.matched_count, tally.changed_count, tally.credits = 3, 2, 40
    company.clock.advance(1)


def test_history_in_every_form(company: Company, office: Shell) -> None:
    """The same rows as a table, lines, JSON, a line of JSON each, and CSV in which no text is a formula."""
    _act(company, "=1+1")
    _act(company, "two\tthings")

    table = office.on_terminal(200, "history").out
    plain = office.run("history").out
    document = office.run("history", "--json").document
    lines = [json.loads(line) for line in office.run("history", "-o", "jsonl").out.splitlines()]
    rows = list(csv.reader(io.StringIO(office.run("history", "-o", "csv").out)))

    assert "ann@desk" in table
    assert plain.splitlines()[1].split("\t")[1:6] == ["ann@desk", "batch cancel 'user=u 1'", "3", "2", "40"]
    assert document["schema"] == "batchctl/history/1"
    assert [action["reason"] for action in document["actions"]] == ["two\tthings", "=1+1"]
    assert lines == [{"schema": "batchctl/history/1", **action} for action in document["actions"]]
    assert [row[-1] for row in rows] == ["REASON", "two⇥things", "'=1+1"]


def test_form_that_contradicts_itself_is_refused(office: Shell) -> None:
    """--json is -o json, and no other form besides."""
    ran = office.run("history", "--json", "-o", "csv")

    assert (ran.code, ran.out) == (2, "")
    assert "--json and -o csv exclude each other" in ran.err


def test_nothing_is_said_in_words(office: Shell) -> None:
    """Where nothing was changed a table is no bare heading, and a document is still one."""
    assert (office.run("history").out, office.run("history").err) == ("", "nothing was changed by hand\n")
    assert office.run("history", "--json").document["actions"] == []
    assert office.run("history", "-o", "jsonl").out == ""


def test_more_than_asked_for_is_said(company: Company, office: Shell) -> None:
    """Who sees a part is told that it is one."""
    _act(company, "one")
    _act(company, "two")

    ran = office.run("history", "--limit", "1")

    assert len(ran.out.splitlines()) == 2
    assert ran.err == "1 shown, more match: --limit N shows more\n"
