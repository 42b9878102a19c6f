"""`batchctl webhook endpoint`: secrets go in once and never out; a receiver that is told nothing for a while."""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.simulator.faults import http_status
from tests.cli.conftest import Ran, Shell
from tests.scenario import KEY, SECRET, Company

OWN = "whsec_dGhlIHNlY3JldCBvZiBhIGN1c3RvbWVyIQ=="


@pytest.fixture
def desk(office: Shell) -> Shell:
    """Give a shell that has a key, and no quick retries."""
    office.environment |= {"ENTERPRISE_WEBHOOK_SECRETS_KEY": KEY, "ENTERPRISE_WEBHOOK_RETRIES": "0"}
    return office


@pytest.fixture
def url(company: Company) -> str:
    """Give the address of the company's receiver."""
    return f"{company.receiver.base_url}/hook?token=HIDDEN"


@pytest.fixture
def secret(tmp_path: Path) -> str:
    """Give the path of a file that holds a secret."""
    file = tmp_path / "secret"
    file.write_text(f"{OWN}\n")
    return str(file)


def endpoint(shell: Shell, *arguments: str) -> Ran:
    """Run a command of the group; whatever it says, it does not show an address or a secret from a file."""
    ran = shell.run("webhook", "endpoint", *arguments)
    assert not any(word in ran.out + ran.err for word in ("HIDDEN", OWN, OWN.removeprefix("whsec_"), KEY))
    return ran


def test_new_secret_is_printed_once(company: Company, desk: Shell, url: str) -> None:
    """Alone on stdout, so that it can be piped to where it belongs; no later command has it."""
    user = uuid4()
    added = endpoint(desk, "add", str(user), url)

    assert (added.code, added.out.count("\n")) == (0, 1)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", added.out)
    assert "the new secret is shown this once" in added.err
    made = added.out.strip()
    company.receiver.know(url.removeprefix(company.receiver.base_url), made)
    company.enqueue(user, 1, webhook=url)
    assert desk.run("run-once").code == 0
    for arguments in (
        ["list"],
        ["list", "--json"],
        ["disable", str(user), url, "--reason", "x"],
        ["add", str(user), url],
    ):
        ran = endpoint(desk, *arguments)
        assert made not in ran.out + ran.err + added.err


def test_secret_from_a_file_is_not_printed(company: Company, desk: Shell, url: str, secret: str) -> None:
    """Nothing on stdout; the fingerprint tells which secret it is, the same in every command."""
    user = uuid4()
    added = endpoint(desk, "add", str(user), url, "--secret-file", secret)

    assert (added.code, added.out) == (0, "")
    (found,) = re.findall(r"signs with ([0-9a-f]{8}) of", added.err)
    assert found in endpoint(desk, "list").out
    document = endpoint(desk, "list", "--json").document
    assert [one["fingerprint"] for one in document["endpoints"][0]["secrets"]] == [found]
    company.receiver.know(url.removeprefix(company.receiver.base_url), OWN)
    company.enqueue(user, 1, webhook=url)
    assert desk.run("run-once").code == 0
    assert company.receiver.journal.badly_signed() == ()


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_secret_from_standard_input(desk: Shell, url: str, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """The line end is no part of it."""
    fingerprints: set[str] = set()
    for text in (OWN + ending, OWN):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        document = endpoint(desk, "add", str(uuid4()), url, "--secret-file", "-", "--json").document
        fingerprints.add(document["endpoint"]["secrets"][0]["fingerprint"])
        assert document["secret"] is None
    assert len(fingerprints) == 1


def test_rotation(company: Company, desk: Shell, url: str, secret: str) -> None:
    """Old and new sign side by side for a day, unless --grace says otherwise; then the new one alone."""
    user = uuid4()
    endpoint(desk, "add", str(user), url, "--secret-file", secret)
    rotated = endpoint(desk, "rotate", str(user), url)
    document = endpoint(desk, "list", "--json").document
    old, new = document["endpoints"][0]["secrets"]

    assert rotated.code == 0
    assert new["expires_at"] is None
    hours = company.sql(
        "select extract(epoch from expires_at - now()) / 3600 as h from webhook_secrets where expires_at > now()"
    )
    assert float(hours[0].h) == pytest.approx(24, abs=0.1)
    assert all(one["fingerprint"] in rotated.err for one in (old, new))
    company.receiver.know(url.removeprefix(company.receiver.base_url), OWN)
    company.enqueue(user, 1, webhook=url)
    assert desk.run("run-once", "--json").document["webhook"]["sent"] == 1
    assert company.receiver.journal.entries[-1].headers["webhook-signature"].count("v1,") == 2

    at_once = endpoint(desk, "rotate", str(user), url, "--grace", "0s", "--json").document
    assert len(at_once["endpoint"]["secrets"]) == 1
    assert at_once["secret"] not in (OWN, rotated.out.strip())


def test_disabled_and_enabled(company: Company, desk: Shell, url: str) -> None:
    """Its events are kept, which the list shows with the reason and by whom; enabled, they are sent."""
    user = uuid4()
    company.receiver.script(url.removeprefix(company.receiver.base_url), http_status(410))
    company.enqueue(user, 1, webhook=url)
    first = desk.run("run-once", "--json").document["webhook"]
    assert (first["failed"], first["endpoints_disabled"]) == (1, 1)
    company.enqueue(user, 1, webhook=url)
    assert desk.run("run-once", "--json").document["webhook"]["set_aside"] == 1

    (line,) = endpoint(desk, "list", "--disabled", "--user", str(user), "--json").document["endpoints"]
    assert (line["waiting_count"], line["disabled_by"]) == (1, "batchctl")
    assert "410" in line["disabled_reason"]
    assert line["receiver"] == company.receiver.base_url
    again = endpoint(desk, "disable", line["id"][:8], "--reason", "mine")
    assert "was disabled before" in again.err
    enabled = endpoint(desk, "enable", line["id"][:8])
    assert "1 events that had waited for it are due" in enabled.err
    assert desk.run("run-once", "--json").document["webhook"]["sent"] == 1
    assert "no endpoint matches" in endpoint(desk, "list", "--disabled").err
    by_me = endpoint(desk, "disable", line["id"], "--reason", "they move house", "--json").document
    assert by_me["endpoint"]["disabled_reason"] == "they move house"
    assert "@" in by_me["endpoint"]["disabled_by"]


def test_pass_says_what_it_set_aside(company: Company, desk: Shell, url: str) -> None:
    """In words, in the report of the pass."""
    company.receiver.script(url.removeprefix(company.receiver.base_url), http_status(410))
    user = uuid4()
    company.enqueue(user, 1, webhook=url)
    assert "1 endpoint disabled (`batchctl webhook endpoint list` says why)" in desk.run("run-once").out
    company.enqueue(user, 1, webhook=url)
    assert "1 event set aside (the endpoint is disabled)" in desk.run("run-once").out


@pytest.mark.parametrize(
    ("act", "name"),
    [
        (["list"], "list"),
        (["add", "USER", "URL"], "add"),
        (["rotate", "ID"], "rotate"),
        (["disable", "ID", "--reason", "x"], "disable"),
        (["enable", "ID"], "enable"),
        (["key"], "key"),
        (["reseal"], "reseal"),
    ],
)
def test_json_is_one_document(desk: Shell, url: str, act: list[str], name: str) -> None:
    """With its schema, and nothing on stderr."""
    known = endpoint(desk, "add", str(uuid4()), url, "--json").document["endpoint"]["id"]
    words = {"USER": str(uuid4()), "URL": url, "ID": known}

    ran = endpoint(desk, *(words.get(word, word) for word in act), "--json")

    assert (ran.code, ran.err) == (0, "")
    assert ran.document["schema"] == f"batchctl/webhook.endpoint.{name}/1"


def test_without_a_key(desk: Shell, url: str) -> None:
    """Exit 78, and how to make one; the key that is made is one."""
    desk.environment["ENTERPRISE_WEBHOOK_SECRETS_KEY"] = ""
    ran = endpoint(desk, "add", str(uuid4()), url)
    assert (ran.code, ran.out) == (78, "")
    assert "`batchctl webhook endpoint key` makes one" in ran.err

    made = desk.run("webhook", "endpoint", "key", BATCHCTL_DATABASE_URL="")
    assert (made.code, len(base64.urlsafe_b64decode(made.out))) == (0, 32)
    desk.environment["ENTERPRISE_WEBHOOK_SECRETS_KEY"] = made.out.strip()
    assert endpoint(desk, "add", str(uuid4()), url).code == 0


def test_change_of_keys(desk: Shell, url: str) -> None:
    """All is sealed anew with the key in front; exit 1 while something cannot be opened."""
    endpoint(desk, "add", str(uuid4()), url)
    other = desk.run("webhook", "endpoint", "key").out.strip()
    desk.environment["ENTERPRISE_WEBHOOK_SECRETS_KEY"] = other
    assert endpoint(desk, "reseal").code == 1
    desk.environment["ENTERPRISE_WEBHOOK_SECRETS_KEY"] = f"{other},{KEY}"
    ran = endpoint(desk, "reseal")
    assert (ran.code, ran.out) == (0, "")
    assert "1 secrets are sealed with the first key: the other keys can go" in ran.err


def test_default_secret_goes_on_for_a_while(company: Company, desk: Shell, url: str) -> None:
    """`add --grace`: the header has two signatures; without a default secret there is nothing to go on."""
    user = uuid4()
    added = endpoint(desk, "add", str(user), url, "--grace", "1h")
    assert len(endpoint(desk, "list", "--json").document["endpoints"][0]["secrets"]) == 2
    company.receiver.know(url.removeprefix(company.receiver.base_url), SECRET)
    company.enqueue(user, 1, webhook=url)
    assert desk.run("run-once", "--json").document["webhook"]["sent"] == 1
    assert SECRET not in added.err

    desk.environment["ENTERPRISE_WEBHOOK_SECRET"] = ""
    ran = endpoint(desk, "add", str(uuid4()), url, "--grace", "1h")
    assert (ran.code, "ENTERPRISE_WEBHOOK_SECRET is not set" in ran.err) == (2, True)


UNUSABLE: dict[str, bytes | None] = {
    "is empty": b"\n",
    "must go on as base64": b"whsec_not base64!\n",
    "must hold one line": b"first\nsecond\n",
    "must hold one line of": b"x" * 5000,
    "must be text in UTF-8": b"\xff\xfe",
    "No such file": None,
}


@pytest.mark.parametrize("words", UNUSABLE)
def test_secret_that_cannot_be_used(company: Company, desk: Shell, url: str, tmp_path: Path, words: str) -> None:
    """Exit 2, in words that do not quote it; no endpoint is left behind."""
    content = UNUSABLE[words]
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)

    ran = endpoint(desk, "add", str(uuid4()), url, "--secret-file", str(file))

    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert not any(text in ran.err for text in ("not base64!", "second", "xxxxx"))
    assert company.sql("select 1 from webhook_endpoints") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "customer", "URL"],
        ["add", "USER", "http://"],
        ["add", "USER", "URL", "--grace", "soon"],
        ["rotate", "ffff"],
        ["rotate", "USER", "URL"],
        ["disable", "ffff"],
        ["disable", "ID", "--reason", " "],
        ["disable", "ID", "--reason", "x" * 501],
        ["enable", "customer", "URL"],
        ["list", "--user", "customer"],
    ],
    ids=" ".join,
)
def test_wrong_usage(desk: Shell, url: str, arguments: list[str]) -> None:
    """Exit 2 and a line; nothing on stdout."""
    known = endpoint(desk, "add", str(uuid4()), url, "--json").document["endpoint"]["id"]
    words = {"USER": str(uuid4()), "URL": url, "ID": known}
    ran = endpoint(desk, *(words.get(word, word) for word in arguments))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err


def test_list_in_a_pipe_and_on_a_terminal(desk: Shell, url: str) -> None:
    """Tab-separated with whole ids, or a table that fits; fewer than match is said."""
    ids: list[Any] = [endpoint(desk, "add", str(uuid4()), url, "--json").document["endpoint"]["id"] for _ in range(3)]
    assert {UUID(line.split("\t")[0]) for line in endpoint(desk, "list").out.splitlines()[1:]} == set(map(UUID, ids))
    shown = desk.on_terminal(80, "webhook", "endpoint", "list", "--limit", "2")
    assert max(len(line.rstrip()) for line in shown.out.splitlines()) <= 80
    assert "2 shown, more match" in shown.err
    assert json.loads(endpoint(desk, "list", "--limit", "2", "--json").out)["more"] is True


def test_removed_endpoint_is_forgotten_with_its_secrets(company: Company, desk: Shell, url: str) -> None:
    """Asked first, since a secret cannot be brought back; a dry run removes nothing; the default secret signs again."""
    user = uuid4()
    endpoint(desk, "add", str(user), url)
    rehearsed = endpoint(desk, "remove", str(user), url, "--dry-run")
    assert (rehearsed.code, "would be removed" in rehearsed.err) == (0, True)
    unasked = desk.run("webhook", "endpoint", "remove", str(user), url)
    assert (unasked.code, "for good?" in unasked.err, "--yes" in unasked.err) == (2, True, True)
    assert len(endpoint(desk, "list", "--json").document["endpoints"]) == 1

    removed = endpoint(desk, "remove", str(user), url, "--yes", "--json")
    assert (removed.code, removed.document["schema"]) == (0, "batchctl/webhook.endpoint.remove/1")
    assert company.sql("select 1 from webhook_endpoints union all select 1 from webhook_secrets") == []
    company.enqueue(user, 1, webhook=url)
    assert desk.run("run-once", "--json").document["webhook"]["sent"] == 1
    assert company.receiver.journal.badly_signed() == ()


def test_endpoint_for_which_events_wait_is_not_removed(company: Company, desk: Shell, url: str) -> None:
    """They would be due never; first it is enabled."""
    user = uuid4()
    endpoint(desk, "add", str(user), url)
    endpoint(desk, "disable", str(user), url, "--reason", "x")
    company.enqueue(user, 1, webhook=url)
    assert desk.run("run-once", "--json").document["webhook"]["set_aside"] == 1
    for options in (["--yes"], ["--dry-run"]):
        ran = endpoint(desk, "remove", str(user), url, *options)
        assert (ran.code, "1 events wait for endpoint" in ran.err) == (1, True)
    assert len(endpoint(desk, "list", "--json").document["endpoints"]) == 1


def test_whatever_changes_an_endpoint_is_recorded(company: Company, desk: Shell, url: str, secret: str) -> None:
    """Who, what, why, and whether it changed anything; of the address only the host, of the secret nothing."""
    user = str(uuid4())
    why = ["--reason", "they asked"]
    endpoint(desk, "add", user, url, "--secret-file", secret, *why)
    endpoint(desk, "rotate", user, url, *why)
    for _ in range(2):
        endpoint(desk, "disable", user, url, *why)
    endpoint(desk, "enable", user, url, *why)
    endpoint(desk, "reseal", *why)
    endpoint(desk, "remove", user, url, "--yes", *why)
    endpoint(desk, "remove", user, url, "--yes", *why)

    rows = company.sql("select * from operator_actions order by began_at")
    assert [(row.command.removeprefix("webhook endpoint "), row.matched_count, row.changed_count) for row in rows] == [
        ("add", 1, 1),
        ("rotate", 1, 1),
        ("disable", 1, 1),
        ("disable", 1, 0),
        ("enable", 1, 1),
        ("reseal", 2, 2),
        ("remove", 1, 1),
    ]
    assert {(row.reason, row.outcome) for row in rows} == {("they asked", "done")}
    assert rows[0].arguments == {"user": user, "url": f"{company.receiver.base_url}/…"}
    told = json.dumps([row.arguments for row in rows])
    assert not any(word in told for word in ("HIDDEN", OWN, KEY, secret))


@pytest.mark.parametrize("form", ["table", "plain", "json", "jsonl", "csv"])
def test_list_in_every_form(desk: Shell, url: str, form: str) -> None:
    """All of it in each; an empty list is said in words, in JSON too it is one."""
    assert endpoint(desk, "list", "-o", form).err == ("" if "json" in form else "no endpoint matches\n")
    user = uuid4()
    endpoint(desk, "add", str(user), url)
    ran = endpoint(desk, "list", "-o", form)
    assert (ran.code, ran.err, "127.0.0.1" in ran.out) == (0, "", True)
