"""Strangers' text in every column, answer and argument: no command obeys it, or ends for its sake."""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast
from unicodedata import category
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from batchctl.cli import main, output
from batchctl.simulator.answer import Answer
from batchctl.simulator.provider import SimulatedProvider
from batchctl.simulator.script import Script
from tests.cli.conftest import Ran, Shell
from tests.cli.test_secrets import MORE, STAYS_AT_HOME, VALUES
from tests.cli.tour import built_once, commands, spoilt, tour
from tests.scenario import Company

NASTY = (
    "=cmd|' /C calc'!A0 [/red][bold]b[/bold][link=file:///etc/passwd] :smile: "
    "\x1b[2J\x1b[31m\x1b]0;title\x07\x1b]52;c;cm0=\x07\x1b]8;;https://evil.test\x1b\\here\x1b]8;;\x1b\\ "
    "\x9b31m\x90q\x9c\x07\x08\r"
    "\u202etxt.exe\u202c \u2066a\u2069 \u200b\ufeff\u00ad \U000e0041 a\tb\nc\u2028d\u0085e "
    "👨\u200d👩\u200d👧 \u200d漢字 🇩🇪 ❤\ufe0f a" + "\u0301" * 200 + " {0} %s %(x)s ' \" \\ ; -- /* 漢字"
)
"""All at once; PostgreSQL itself takes neither NUL nor half a character."""
UNSTORABLE = f"NUL \x00 half \ud800 {NASTY}"
KEPT = frozenset(
    {
        ("webhook_deliveries", "body"),  # what the customer is told is compared with the books
        ("webhook_deliveries", "event_type"),
        ("credit_ledger", "bucket"),
    }
)
"""Columns whose text decides about money or events: they are not a stranger's."""
MUST_BE_NASTY = {
    ("batch_jobs", "last_error"),
    ("batch_jobs", "webhook_last_error"),
    ("batch_jobs", "hold_reason"),
    ("batch_jobs", "webhook_url"),
    ("video_tasks", "prompt"),
    ("video_tasks", "model"),
    ("video_tasks", "error_message"),
    ("video_tasks", "failure_reason"),
    ("video_tasks", "last_error"),
    ("video_tasks", "video_url"),
    ("video_tasks", "reference_url"),
    ("video_tasks", "provider_host"),
    ("video_tasks", "hold_reason"),
    ("webhook_deliveries", "url"),
    ("webhook_deliveries", "last_error"),
    ("delivery_attempts", "error"),
}


def commands_in(text: str) -> set[str]:
    """Return the characters of a text that a terminal obeys, but for those that end a line or a cell."""
    return {char for char in text if category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - set("\n\t\u200c\u200d")


def assert_harmless(ran: Ran, arguments: object) -> None:
    """Assert that a command did what it had to, and gave the terminal nothing to obey."""
    assert commands_in(ran.out + ran.err) == set(), arguments
    assert "this is a bug" not in ran.err, (arguments, ran.err)
    assert "Traceback" not in ran.err, (arguments, ran.err)
    assert ran.code in {0, 1, 2, 78}, (arguments, ran.err)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Spare each command of a tour what is the same for all, and let files that it writes stand elsewhere."""
    monkeypatch.chdir(tmp_path)
    built_once(monkeypatch)


@pytest.fixture
def nasty(company: Company, office: Shell) -> Iterator[UUID]:
    """Give a batch that has ended, with a stranger's text in each column of each table that takes one."""
    user = company.customer(permanent=1000)
    company.receiver.script("/hook", then=Answer(status=500))
    batch = company.enqueue(user, ["a [sim: fail=error]", "b", "c"])
    company.enqueue(user, ["d [sim: submit=503]"])
    company.run_pass()
    office.environment |= {"ENTERPRISE_WEBHOOK_RETRIES": "0", "ENTERPRISE_WEBHOOK_SECRETS_KEY": f"{'A' * 43}="}
    assert office.run("webhook", "endpoint", "add", str(user), "https://customer.example").code == 0
    company.clock.advance(10)
    company.run_pass()
    company.sql(
        "insert into credit_ledger (user_id, type, model, credits_delta, ref_type, ref_id, meta)"
        " values (%s, 'adjust', %s, 0, %s, %s, %s)",
        *(user, NASTY, NASTY, NASTY, Jsonb({NASTY: NASTY, "reason": NASTY, "operator": NASTY})),
    )
    assert poison(company) >= MUST_BE_NASTY
    yield batch
    # Rows that are written over like this break the books' rules, and rightly so.
    company.sql("set session_replication_role = replica")
    company.sql("truncate batch_jobs, video_tasks, credit_wallet, credit_ledger cascade")


def poison(company: Company) -> set[tuple[str, str]]:
    """Write the text into every column that takes it, and a megabyte of it into two; return which took it."""
    columns = company.sql(
        "select table_name, column_name, data_type from information_schema.columns inner join information_schema.tables"
        " using (table_schema, table_name) where table_schema = 'public' and table_type = 'BASE TABLE'"
        " and data_type in ('text', 'jsonb') and is_generated = 'NEVER' and table_name <> 'batchctl_migrations'"
    )
    taken: set[tuple[str, str]] = set()
    for column in columns:
        name = (column.table_name, column.column_name)
        longest = name in {("video_tasks", "error_message"), ("video_tasks", "prompt")}
        text = NASTY * (1 + 1_000_000 // len(NASTY)) if longest else NASTY
        value = Jsonb({NASTY: [NASTY]}) if column.data_type == "jsonb" else text
        update = sql.SQL("update {} set {} = %s").format(*map(sql.Identifier, name))
        # What is refused is not a stranger's to write.
        with suppress(psycopg.IntegrityError, psycopg.DataError, psycopg.errors.RaiseException):
            if name not in KEPT and company.conn.execute(update, [value]).rowcount:
                taken.add(name)
    return taken


@pytest.mark.parametrize("place", ["pipe", "terminal"])
def test_no_command_obeys_a_row(nasty: UUID, office: Shell, company: Company, tmp_path: Path, place: str) -> None:
    """Every command in every form shows such rows as harmless lines, and its JSON can be read."""
    user = str(company.sql("select user_id from batch_jobs limit 1")[0].user_id)
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text(
        json.dumps({"prompt": UNSTORABLE.replace("\x00", "").replace("\ud800", ""), "model": NASTY}) + "\n"
    )
    endpoint = str(company.sql("select id from webhook_endpoints")[0].id)
    secret = tmp_path / "secret"
    secret.write_text(UNSTORABLE.replace("\x00", "").replace("\ud800", ""))
    values = VALUES | {
        "FILE": str(tasks),
        "--secret-file": str(secret),
        "ENDPOINT": endpoint,
        "UUID": user,
        "USER": user,
    }
    values |= {"BATCH": str(nasty), "ID": str(nasty)}
    values["TASK"] = str(company.tasks(nasty)[0].id)
    values["DELIVERY"] = str(company.deliveries(nasty)[0].id)
    done: set[str] = set()
    for arguments in (*tour(values, without=STAYS_AT_HOME), *MORE):
        if place == "terminal" and {"--json", "--help", "--output"} & set(arguments):
            continue  # They are the same there.
        ran = office.run(*arguments) if place == "pipe" else office.on_terminal(80, *arguments)
        assert_harmless(ran, arguments)
        if "--help" not in arguments and ran.code in {0, 1}:
            done |= {path for path in commands() if arguments[: len(path.split())] == tuple(path.split())}
        if "--json" in arguments and "--help" not in arguments and ran.out:
            assert ran.document is not None
            assert ran.out.count("\n") == 1
    assert done == commands().keys() - STAYS_AT_HOME


@pytest.mark.parametrize("bad", [UNSTORABLE, "[/red]", "\udcff\udcfe", "-" + "9" * 5000], ids=ascii)
def test_no_command_obeys_an_argument(office: Shell, bad: str) -> None:
    """What somebody pasted into a command line is refused, or taken, and comes back harmless."""
    # What quotes an argument is the same for all commands but where they read it: one of four is asked each thing.
    everywhere = [*spoilt(VALUES, bad, without=STAYS_AT_HOME)]
    for arguments in everywhere if bad is UNSTORABLE else everywhere[len(bad) % 4 :: 4]:
        assert_harmless(office.run(*arguments), arguments)
    for arguments in ((bad,), ("--debug", bad), ("batch", bad), (f"-{bad}",)):
        assert_harmless(office.run(*arguments), arguments)


def test_no_encoding_ends_a_command(nasty: UUID, office: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stdout that cannot write a text gets it written out, and JSON stays JSON."""
    for name, value in office.environment.items():
        monkeypatch.setenv(name, value)
    for encoding in ("ascii", "latin-1", "cp1252", "utf-8"):
        for form in ("pipe", "json", "terminal"):
            monkeypatch.setattr(output, "is_terminal", lambda form=form: form == "terminal")
            written = io.BytesIO()
            stdout = io.TextIOWrapper(written, encoding=encoding)
            monkeypatch.setattr(sys, "stdout", stdout)
            code = main(["batch", "show", str(nasty), "--tasks", *(["--json"] if form == "json" else [])])
            stdout.flush()
            text = written.getvalue().decode(encoding)
            assert (code, commands_in(text)) == (0, set()), (encoding, form)
            assert form != "json" or any(NASTY in value for value in texts_of(json.loads(text)))


def texts_of(document: object) -> Iterator[str]:
    """Return every text in a document."""
    match document:
        case str(text):
            yield text
        case dict() | list():
            inner = cast("dict[str, object] | list[object]", document)
            for value in inner.values() if isinstance(inner, dict) else inner:
                yield from texts_of(value)
        case _:
            pass


@pytest.mark.parametrize("form", [[], ["--debug"]], ids=["plain", "debug"])
@pytest.mark.parametrize("text", [NASTY, UNSTORABLE, "x" * 1_000_000], ids=["nasty", "unstorable", "long"])
def test_no_error_is_obeyed(office: Shell, monkeypatch: pytest.MonkeyPatch, form: list[str], text: str) -> None:
    """The message of whatever breaks, and every line of its traceback, reach stderr as harmless lines."""

    def broken(*_: object) -> None:
        raise RuntimeError(text) from ValueError(text)

    monkeypatch.setattr("batchctl.settings.read_settings", broken)

    ran = office.run(*form, "settle")

    assert (ran.code, commands_in(ran.err)) == (1, set())
    assert ("Traceback" in ran.err) is bool(form)
    assert max(map(len, ran.err.splitlines())) < 100_000


def said(status: int = 200, **fields: object) -> Answer:
    """Write an answer in ASCII, so that it can hold what no encoding can write."""
    return Answer(status=status, body=json.dumps({"code": -1, "msg": UNSTORABLE} | fields).encode())


FAULTS: dict[str, Script] = {
    "refused": Script(submit_fault=said(400)),
    "refused by code": Script(submit_fault=said()),
    "put off": Script(submit_fault=said(503)),
    "id": Script(submit_fault=said(code=0, data={"id": UNSTORABLE})),
    "no text": Script(submit_fault=Answer(body=b'{"code":0,"data":{"id":"\xff\xfe"}}')),
    "no JSON": Script(submit_fault=Answer(body=UNSTORABLE.encode("utf-8", "surrogatepass"))),
    "failed": Script(poll_fault=said(code=0, data={"status": "failed", "error": UNSTORABLE, "failure_reason": NASTY})),
    "failed at length": Script(poll_fault=said(code=0, data={"status": "failed", "error": UNSTORABLE * 2000})),
    "failed for long": Script(poll_fault=said(code=0, data={"status": "failed", "failure_reason": "x" * 1_000_000})),
    "link": Script(poll_fault=said(code=0, data={"status": "succeeded", "url": f"https://cdn.test/{UNSTORABLE}"})),
    "status": Script(poll_fault=said(code=0, data={"status": UNSTORABLE, "progress": UNSTORABLE})),
    "other task": Script(poll_fault=said(code=0, data={"status": "failed", "id": UNSTORABLE})),
    "poll refused": Script(poll_fault=said()),
    "poll broken": Script(poll_fault=said(500)),
    "poll no text": Script(poll_fault=Answer(body=b"\x00\xff" * 100)),
    "fine": Script(),
}


def test_no_answer_keeps_a_row_from_being_written(company: Company, office: Shell) -> None:
    """The provider's NUL bytes, half characters, megabytes and bytes that are no text hold up no task and no batch."""
    receiver = company.receiver
    headers = {"retry-after": "\x1b[2J" + "-" + "9" * 5000, "x-nasty": "\xff\x1b]0;x\x07", "location": "https://[::1"}
    receiver.script("/hook", then=Answer(status=500, headers=headers, body=b"\x00\xff\x1b[2J" * 50_000))
    office.environment |= {"BATCH_POLL_BACKOFF_SECONDS": "0,0,0", "ENTERPRISE_WEBHOOK_RETRIES": "0"}
    office.environment |= {"BATCH_WORKER_MAX_START_TASKS_PER_BATCH": "99"}
    with SimulatedProvider(api_key="sk-test", script_for=lambda prompt, _: FAULTS[prompt]) as provider:
        office.environment["GRSAI_HOST"] = provider.base_url
        customer = company.customer(permanent=1000)
        batch = company.enqueue(customer, list(FAULTS))
        refused = company.enqueue(company.customer(), ["fine"])
        for _ in range(3):
            assert_harmless(ran := office.run("run-once"), "run-once")
            assert (ran.code, ran.err) == (0, "")

    tasks = {task.prompt: task for task in company.tasks(batch)}
    assert {task.hold_reason for task in tasks.values()} == {None}
    assert {name for name, task in tasks.items() if task.status == "failed"} >= {
        "refused",
        "failed",
        "id",
        "poll refused",
    }
    assert tasks["fine"].status == "succeeded"
    assert tasks["failed"].error_message.startswith("NUL half =cmd|")
    texts = [text for task in tasks.values() for text in (task.error_message, task.last_error, task.failure_reason)]
    assert max(len(text) for text in texts if text) <= 500
    assert commands_in(" ".join(text for text in texts if text)) == set()
    assert [(one.status_code, one.error) for one in company.tries(refused)] == [(500, "HTTP 500")]
