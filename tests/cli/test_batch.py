"""`batchctl batch create | list | show`: what goes in, what comes out on which stream, and which exit code."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest

from tests.cli.conftest import Shell
from tests.scenario import Company

WriteFile = Callable[..., str]


@pytest.fixture
def file(tmp_path: Path) -> WriteFile:
    """Give a writer of batch files."""

    def write(content: str | bytes = '{"prompt": "a"}\n{"prompt": "b"}\n', name: str = "batch.jsonl") -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


def order(file: str, user: UUID, *options: str) -> tuple[str, ...]:
    """Write the command line that enqueues a file at 10 credits a task."""
    return ("batch", "create", file, "--user", str(user), "--cost-per-video", "10", *options)


def batches(company: Company) -> list[UUID]:
    """Return the ids of all batches."""
    return [row.id for row in company.sql("select id from batch_jobs order by created_at")]


def test_create_prints_the_id_and_nothing_else(company: Company, office: Shell, file: WriteFile) -> None:
    """In a pipe stdout is the id, so that a script can keep it; the batch is there and runs."""
    ran = office.run(
        *order(file(), company.customer(permanent=20), "--webhook-url", f"{company.receiver.base_url}/hook")
    )

    (batch,) = batches(company)
    assert (ran.code, ran.out, ran.err) == (0, f"{batch}\n", "")
    company.run_until_quiet()
    assert company.batch(batch).status == "completed"
    assert company.deliveries(batch)[0].status == "sent"


def test_create_tells_a_person_what_comes_next(company: Company, office: Shell, file: WriteFile) -> None:
    """On a terminal the order stands beside the wallet, with the command that shows what becomes of it."""
    ran = office.on_terminal(80, *order(file(), company.customer(permanent=20)))

    (batch,) = batches(company)
    assert ran.out.splitlines()[0] == f"batch {batch}"
    assert ran.out.splitlines()[-1] == f"what becomes of it: batchctl batch show {str(batch)[:8]}"
    company.run_until_quiet()


def test_create_as_a_document(company: Company, office: Shell, file: WriteFile) -> None:
    """The document says what was enqueued and what the wallet has; warnings stay on stderr."""
    user = company.customer(permanent=5)
    ran = office.run(*order(file(), user, "--json"))

    (batch,) = batches(company)
    assert ran.document == {
        "schema": "batchctl/batch.create/1",
        "batch_id": str(batch),
        "already_enqueued": False,
        "user_id": str(user),
        "total_count": 2,
        "cost_per_video": 10,
        "required_credits": 20,
        "available_credits": 5,
        "missing_credits": 15,
    }
    assert ran.err.startswith("warning: the wallet has 5 credits for it, and it needs 20: ")
    company.run_until_quiet()


def test_repeated_request_id_prints_the_same_id(company: Company, office: Shell, file: WriteFile) -> None:
    """A script that runs twice gets one batch and the same id; a person is told that nothing was written."""
    user = company.customer(permanent=20)
    first = office.run(*order(file(), user, "--request-id", "r-1"))
    again = office.run(*order(file(), user, "--request-id", "r-1"))
    other = office.run(*order(file('{"prompt": "a"}'), user, "--request-id", "r-1"))

    assert (again.code, again.out) == (first.code, first.out)
    assert again.err == "already enqueued under this request id: nothing was written\n"
    assert (other.code, other.out) == (1, "")
    assert "the number of tasks 2, not 1: nothing was written" in other.err
    assert len(batches(company)) == 1
    company.run_until_quiet()


def test_rehearsal_writes_nothing(company: Company, office: Shell, file: WriteFile) -> None:
    """--dry-run checks all and shows what it would cost, as a table and as a document."""
    user = company.customer(permanent=5)
    ran = office.run(*order(file(), user, "--dry-run"))
    document = office.run(*order(file(), user, "--dry-run", "--json")).document

    assert (ran.code, ran.out) == (0, "TASKS\tCREDITS EACH\tREQUIRED\tAVAILABLE\tMISSING\n2\t10\t20\t5\t15\n")
    assert ran.err.splitlines()[-1] == "a rehearsal: nothing was written"
    assert (document["batch_id"], document["missing_credits"]) == (None, 15)
    assert batches(company) == []


def test_order_is_recorded_and_a_rehearsal_is_not(company: Company, office: Shell, file: WriteFile) -> None:
    """Who enqueued how much for whom, and why; repeating a request id changes nothing, and no prompt is kept."""
    user, url = company.customer(permanent=20), f"{company.receiver.base_url}/hook?token=hunter2"
    office.run(*order(file(), user, "--dry-run"))
    for _ in range(2):
        office.run(*order(file(), user, "--webhook-url", url, "--request-id", "r-1", "--reason", "they asked"))

    first, again = company.sql("select * from operator_actions order by began_at")
    assert (first.command, first.reason, first.outcome) == ("batch create", "they asked", "done")
    assert (first.matched_count, first.changed_count) == (2, 2)
    assert (again.matched_count, again.changed_count) == (2, 0)
    assert first.arguments == {
        "user": str(user),
        "cost_per_video": 10,
        "webhook_url": f"{company.receiver.base_url}/…",
        "request_id": "r-1",
    }
    company.run_until_quiet()


def test_all_wrong_lines_are_said_at_once(company: Company, office: Shell, file: WriteFile) -> None:
    """Every wrong line is a line on stderr; nothing is written, and the database is not even asked for."""
    path = file('prompt,size\na,small\n,large\n"x\x1b[2J",y,z\n', "batch.csv")
    ran = office.run(*order(path, company.customer(permanent=20)))

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        f"error: {path}: 2 of 3 lines cannot be used, so nothing was written:",
        "  line 3: prompt is missing",
        "  line 4: has 3 cells, the header 2",
    ]
    assert batches(company) == []
    assert office.run(*order(path, uuid4()), BATCHCTL_DATABASE_URL="").code == 2


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("missing.jsonl", [], " cannot be read: No such file or directory"),
        (".", ["--format", "csv"], " cannot be read: Is a directory"),
        ("batch.txt", [], ": the ending does not tell the format: write --format jsonl or --format csv"),
        ("empty.jsonl", [], ": there is no task in it"),
    ],
)
def test_what_is_no_batch_file_is_said(
    shell: Shell, file: WriteFile, tmp_path: Path, name: str, options: list[str], said: str
) -> None:
    """A file that is not there, is none, or says nothing is wrong usage, said in one line."""
    file("", "empty.jsonl")
    file("x", "batch.txt")
    ran = shell.run(*order(str(tmp_path / name), uuid4(), *options))

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"error: {tmp_path / name}{said}\n"


@pytest.mark.parametrize(
    ("content", "options", "talk"),
    [
        (b'{"prompt": "a"}', [], "reading tasks from stdin as jsonl; --format csv reads CSV\n"),
        (b"prompt\na\n", ["--format", "csv"], ""),
    ],
)
def test_stdin_is_read(
    company: Company, office: Shell, monkeypatch: pytest.MonkeyPatch, content: bytes, options: list[str], talk: str
) -> None:
    """A dash reads stdin, as jsonl unless told otherwise, which is said."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    ran = office.run(*order("-", company.customer(permanent=20), *options))

    assert (ran.code, ran.err) == (0, talk)
    assert ran.out.strip() == str(batches(company)[0])
    company.run_until_quiet()


def test_format_beats_the_ending(company: Company, office: Shell, file: WriteFile) -> None:
    """--format says how a file is written, whatever its name."""
    ran = office.run(*order(file("prompt\na\n", "batch.jsonl"), company.customer(permanent=20), "--format", "csv"))

    assert ran.code == 0
    company.run_until_quiet()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--cost-per-video", "-1"], "--cost-per-video"),
        (["--cost-per-video", "1.5"], "--cost-per-video"),
        (["--user", "7e5e"], "--user"),
        (["--format", "xml"], "--format"),
        (["--request-id", ""], "--request-id must be text"),
        (["--webhook-url", "ftp://x"], "--webhook-url: must begin with https://"),
    ],
)
def test_wrong_orders_are_wrong_usage(office: Shell, file: WriteFile, options: list[str], said: str) -> None:
    """An order that cannot be is refused with exit code 2 and names the option."""
    ran = office.run(*order(file(), uuid4(), *options))

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_addresses_follow_the_settings(office: Shell, file: WriteFile) -> None:
    """What the courier would not tell on this installation is refused before anything is enqueued."""
    ran = office.run(
        *order(file(), uuid4(), "--webhook-url", "http://customer.example/"), ENTERPRISE_WEBHOOK_ALLOW_INSECURE="false"
    )

    assert (ran.code, ran.out) == (2, "")
    assert "must begin with https://, not http:// (ENTERPRISE_WEBHOOK_ALLOW_INSECURE=true allows it)" in ran.err


def test_list_is_lines_and_a_document(company: Company, office: Shell) -> None:
    """In a pipe a batch is a line of whole values; newest first; the document says if there are more."""
    user = company.customer(permanent=100)
    older, newer = (company.enqueue(user, 1) for _ in range(2))
    company.run_until_quiet()

    ran = office.run("batch", "list", "--user", str(user), "--status", "completed", "--status", "partial")
    one = office.run("batch", "list", "--limit", "1")
    document = office.run("batch", "list", "--limit", "1", "--json").document

    assert [line.split("\t")[0] for line in ran.out.splitlines()] == ["BATCH", str(newer), str(older)]
    assert one.err == "1 shown, more match: --limit N shows more\n"
    assert (document["schema"], document["more"]) == ("batchctl/batch.list/1", True)
    assert [batch["id"] for batch in document["batches"]] == [str(newer)]
    assert document["batches"][0]["created_at"].endswith("Z")


def test_list_by_time_and_hold(company: Company, office: Shell) -> None:
    """Ages and dates narrow the list by when batches were made; --held leaves those that wait for an operator."""
    batch = company.enqueue(company.customer(permanent=100), 1)
    company.sql("update batch_jobs set created_at = now() - interval '3 hours', hold_reason = 'stuck'")

    found = [
        office.run("batch", "list", *options).out.count(str(batch))
        for options in (
            ("--since", "4h"),
            ("--since", "2h"),
            ("--until", "2h"),
            ("--since", "4h", "--until", "4h"),
            ("--held",),
            ("--held", "--status", "completed"),
        )
    ]

    assert found == [1, 0, 1, 0, 1, 0]
    assert office.run("batch", "list", "--since", "soon").code == 2
    company.sql("update batch_jobs set hold_reason = null")
    company.run_until_quiet()


def test_empty_list_is_said(office: Shell) -> None:
    """No batch is a sentence on stderr, never a bare header; in a document it is an empty list."""
    ran = office.run("batch", "list")

    assert (ran.code, ran.out, ran.err) == (0, "", "no batch matches\n")
    assert office.run("batch", "list", "--limit", "100000").code == 0
    assert office.run("batch", "list", "--limit", "9223372036854775807").code == 2
    assert office.run("batch", "list", "--json").document["batches"] == []


def test_show_is_a_page_and_a_document(company: Company, office: Shell) -> None:
    """A batch is found by its first digits; the document has every part of the page, and tasks when asked for."""
    batch = company.enqueue(company.customer(permanent=100), ["a", "b [sim: fail=error]", "c"])
    company.run_until_quiet()

    page = office.run("batch", "show", str(batch)[:8])
    terminal = office.on_terminal(80, "batch", "show", str(batch)[:8], "--tasks")
    document = office.run("batch", "show", str(batch), "--json").document
    listed = office.run("batch", "show", str(batch), "--json", "--tasks", "--limit", "2")

    assert (page.code, page.err) == (0, "")
    assert page.out.startswith(f"BATCH\t{batch}\n")
    assert str(batch) in terminal.out
    assert max(map(len, terminal.out.splitlines())) <= 80
    assert (document["schema"], document["batch"]["status"], document["task_list"]) == (
        "batchctl/batch.show/1",
        "partial",
        None,
    )
    assert (document["tasks"]["succeeded"], document["credits_refunded"]) == (2, 10)
    assert [delivery["status"] for delivery in document["deliveries"]] == ["sent"]
    assert [task["batch_index"] for task in listed.document["task_list"]] == [0, 1]
    assert listed.err == "2 of 3 tasks listed: --limit N lists more\n"


def test_show_of_no_batch_is_wrong_usage(office: Shell) -> None:
    """An id that no batch has is said with where to look."""
    ran = office.run("batch", "show", "0033894e")

    assert (ran.code, ran.out) == (2, "")
    assert "there is no batch 0033894e: `batchctl batch list` shows which there are" in ran.err


def test_documents_are_single_lines(company: Company, office: Shell, file: WriteFile) -> None:
    """Each --json is one document on one line, whatever a customer wrote."""
    prompt = "a\nb\x1b[2J\u2028\u202e"
    ran = office.run(*order(file(json.dumps({"prompt": prompt})), company.customer(permanent=10)))
    shown = office.run("batch", "show", ran.out.strip(), "--tasks", "--json")

    assert shown.out.count("\n") == 1
    assert "\x1b" not in shown.out
    assert shown.document["task_list"][0]["prompt"] == prompt
    company.run_until_quiet()
