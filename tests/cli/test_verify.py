"""`batchctl webhook verify`: as a customer's developer calls it, without a database."""

import io
from pathlib import Path
from uuid import uuid4

import pytest

from batchctl.simulator.journal import Received
from tests.cli.conftest import Ran, Shell
from tests.scenario import SECRET, Company

NAMES = ("x-webhook-signature", "webhook-id", "webhook-timestamp", "webhook-signature")


@pytest.fixture
def received(company: Company) -> Received:
    """Give what a receiver really got."""
    company.enqueue(uuid4(), 1)
    company.run_pass()
    (entry,) = company.receiver.journal.entries
    return entry


def verify(shell: Shell, tmp_path: Path, received: Received, body: bytes, *more: str, **environment: str) -> Ran:
    """Call it with the headers of what was received, and a body."""
    file = tmp_path / "body"
    file.write_bytes(body)
    headers = [word for name in NAMES for word in ("-H", f"{name.title()}: {received.headers[name]}")]
    return shell.run("webhook", "verify", str(file), *headers, *more, **environment)


def test_real_delivery_is_accepted(shell: Shell, tmp_path: Path, received: Received) -> None:
    """The secret from the environment or from a file; which header fits and how old the timestamp is."""
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    for ran in (
        verify(shell, tmp_path, received, received.body, ENTERPRISE_WEBHOOK_SECRET=SECRET),
        verify(shell, tmp_path, received, received.body, "--secret-file", str(secret)),
    ):
        assert (ran.code, ran.err) == (0, "")
        assert "x-webhook-signature\tvalid" in ran.out
        assert "webhook-signature\tvalid" in ran.out
        assert "a receiver takes 300 s\naccepted" in ran.out
        assert SECRET not in ran.out


def test_forged_one_is_not(shell: Shell, tmp_path: Path, received: Received) -> None:
    """Another body, or another secret: exit 1, with the reason that is likely."""
    body = received.body.replace(b'"failed_count":1', b'"failed_count":0')
    ran = verify(shell, tmp_path, received, body, "--json", ENTERPRISE_WEBHOOK_SECRET=SECRET)
    assert (ran.code, ran.err) == (1, "")
    assert (ran.document["schema"], ran.document["accepted"]) == ("batchctl/webhook.verify/1", False)
    assert "another secret, or the body is not the bytes that were sent" in ran.document["reason"]
    ran = verify(shell, tmp_path, received, received.body + b"\n", ENTERPRISE_WEBHOOK_SECRET=SECRET)
    assert (ran.code, "not accepted: " in ran.out, "a line end that was not sent" in ran.out) == (1, True, True)


def test_body_from_standard_input(
    shell: Shell, tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    """- reads it, byte for byte."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(received.body)))
    header = f"x-webhook-signature:{received.headers['x-webhook-signature']}"
    ran = shell.run("webhook", "verify", "-", "--header", header, ENTERPRISE_WEBHOOK_SECRET=SECRET)
    assert (ran.code, "missing" in ran.out) == (0, True)
    del tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-H", "x"], "say with which secret"),
        (["--secret-file", "{secret}", "-H", "nothing"], "is no header"),
        (["--secret-file", "{secret}", "-H", ": x"], "is no header"),
        (["--secret-file", "{tmp}/none"], "--secret-file cannot be read: No such file"),
        (["--secret-file", "{empty}"], "must hold one line of text"),
        (["--secret-file", "{bad}"], "must go on as base64"),
        (["--secret-file", "{binary}"], "text in UTF-8"),
    ],
)
def test_wrong_usage_is_2(shell: Shell, tmp_path: Path, arguments: list[str], said: str) -> None:
    """Said in a line that does not quote a secret."""
    places = {"tmp": str(tmp_path)}
    contents = {"secret": b"hunter2", "empty": b"\n", "bad": b"whsec_hunter2!", "binary": b"\xffhunter2"}
    for name, content in contents.items():
        places[name] = str(tmp_path / name)
        (tmp_path / name).write_bytes(content)
    ran = shell.run("webhook", "verify", places["empty"], *(word.format(**places) for word in arguments))
    assert (ran.code, ran.out, said in ran.err) == (2, "", True)
    assert "hunter2" not in ran.err


def test_body_that_cannot_be_read_is_2(shell: Shell, tmp_path: Path) -> None:
    """One that is not there, and one that no event is as long as."""
    long = tmp_path / "long"
    long.write_bytes(b"x" * (1024 * 1024 + 1))
    for file, said in ((str(tmp_path / "none"), "No such file"), (str(tmp_path), "directory"), (str(long), "longer")):
        ran = shell.run("webhook", "verify", file, ENTERPRISE_WEBHOOK_SECRET=SECRET)
        assert (ran.code, said in ran.err) == (2, True)
