"""The receiver answers as scripted, keeps the exact bytes and verifies signatures by itself."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest
from standardwebhooks import Webhook

from batchctl.simulator.answer import Answer, Manner
from batchctl.simulator.faults import http_status
from batchctl.simulator.journal import Check, ReceiverJournal
from batchctl.simulator.receiver import ANY_PATH, Receiver
from batchctl.simulator.server import Request

from .client import post

BODY = (
    b'{"batch_id":"b-1","user_id":"u-1","status":"partial","total_count":3,"success_count":2,"failed_count":1,'
    b'"credits_spent":20,"timestamp":1700000000000}'
)
HEX = "568fc076d89c5c9d7355029dba1ddb710dc4c3378f8c961bd53a56e280af6feb"
"""The worked example of contract §5, for the secret `test-secret`."""


def trio(key: bytes, body: bytes = BODY, *, webhook_id: str = "msg-1", timestamp: str = "1700000000") -> dict[str, str]:
    """Return the Standard Webhooks headers."""
    digest = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def test_everything_is_received_and_kept() -> None:
    """Unscripted requests are answered 200; path, headers and the exact bytes are kept."""
    body = b'{"a": "\xff\x00"}  \n'
    with Receiver() as receiver:
        reply = post(receiver.base_url, "/hook?x=1", body, {"X-Batch-Id": "b-1"})
        (entry,) = receiver.journal.entries
    assert reply.status == 200
    assert (entry.method, entry.path, entry.body) == ("POST", "/hook?x=1", body)
    assert entry.headers["x-batch-id"] == "b-1"
    assert entry.answer == '200 {"ok":true}'
    assert (entry.hex_signature, entry.standard_signature) == (Check.UNCHECKED, Check.UNCHECKED)
    assert receiver.connections == 1


@pytest.mark.parametrize(
    ("headers", "hex_signature", "standard_signature"),
    [
        ({"x-webhook-signature": HEX, **trio(b"test-secret")}, Check.VALID, Check.VALID),
        ({}, Check.MISSING, Check.MISSING),
        ({"x-webhook-signature": HEX.upper()}, Check.WRONG, Check.MISSING),
        ({"x-webhook-signature": f"sha256={HEX}", **trio(b"other")}, Check.WRONG, Check.WRONG),
        ({"x-webhook-signature": HEX, **trio(b"test-secret", BODY + b" ")}, Check.VALID, Check.WRONG),
        ({**trio(b"test-secret"), "webhook-id": "msg-2"}, Check.MISSING, Check.WRONG),
        ({**trio(b"test-secret"), "webhook-timestamp": "1700000001"}, Check.MISSING, Check.WRONG),
        (trio(b"test-secret", timestamp="1.7e9"), Check.MISSING, Check.WRONG),
        ({**trio(b"test-secret"), "webhook-timestamp": ""}, Check.MISSING, Check.MISSING),
    ],
)
def test_verdict_on_signatures(headers: dict[str, str], hex_signature: Check, standard_signature: Check) -> None:
    """Both signatures are judged on their own, over the bytes, id and time as received."""
    with Receiver(secret="test-secret") as receiver:
        post(receiver.base_url, "/", BODY, headers)
        (entry,) = receiver.journal.entries
        is_bad = hex_signature is not Check.VALID or standard_signature is not Check.VALID
        assert receiver.journal.badly_signed() == ((entry,) if is_bad else ())
    assert (entry.hex_signature, entry.standard_signature) == (hex_signature, standard_signature)


def test_path_may_have_secrets_of_its_own() -> None:
    """Any of them will do there, and the general one does not; other paths know only that one."""
    with Receiver(secret="test-secret") as receiver:
        receiver.know("/own", "one", "two")
        for path, key in (("/own", b"two"), ("/own", b"test-secret"), ("/", b"two"), ("/", b"test-secret")):
            post(receiver.base_url, path, BODY, trio(key))
        checks = [entry.standard_signature for entry in receiver.journal.entries]
    assert checks == [Check.VALID, Check.WRONG, Check.WRONG, Check.VALID]


def test_secret_with_prefix_and_signature_among_several() -> None:
    """A whsec_ secret is decoded for the trio and taken as text for the hex; one right signature of several is enough.

    The trio is made by the reference library.
    """
    secret = "whsec_" + base64.b64encode(b"twenty-four bytes of key").decode()
    at = datetime(2026, 1, 20, tzinfo=UTC)
    right = Webhook(secret).sign("msg-1", at, BODY.decode())
    headers = {
        "webhook-id": "msg-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": f"v1,AAAA {right}",
        "x-webhook-signature": hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest(),
    }
    with Receiver(secret=secret) as receiver:
        post(receiver.base_url, "/", BODY, headers)
        assert receiver.journal.badly_signed() == ()


def test_path_answers_in_turn() -> None:
    """The first requests to a path get their answers in turn, then the last one for ever; other paths are untouched."""
    with Receiver() as receiver:
        receiver.script("/a", http_status(503, retry_after="3"), http_status(429), then=http_status(410))
        replies = [post(receiver.base_url, "/a", b"") for _ in range(4)]
        assert post(receiver.base_url, "/b", b"").status == 200
        receiver.script("/a", http_status(500))
        assert [post(receiver.base_url, "/a", b"").status for _ in range(2)] == [500, 200]
    assert [reply.status for reply in replies] == [503, 429, 410, 410]
    assert replies[0].headers["retry-after"] == "3"


def test_any_path_counts_all_requests() -> None:
    """The script for any path covers the first requests whatever their path, but not a path with its own script."""
    with Receiver() as receiver:
        receiver.script(ANY_PATH, http_status(500), http_status(502))
        receiver.script("/own", then=http_status(201))
        assert [post(receiver.base_url, path, b"").status for path in ("/a", "/own", "/b", "/c")] == [
            500,
            201,
            502,
            200,
        ]


def test_redirect_leads_where_it_says() -> None:
    """A redirect carries its location; a client that does not follow it makes one request."""
    with Receiver() as receiver:
        receiver.script("/moved", then=http_status(307, location=f"{receiver.base_url}/secret"))
        reply = post(receiver.base_url, "/moved", b"")
        assert (reply.status, reply.headers["location"]) == (307, f"{receiver.base_url}/secret")
        assert [entry.path for entry in receiver.journal.entries] == ["/moved"]


def test_accepted_then_dropped() -> None:
    """When the answer is lost the request was received all the same, and the next try is a second request of the id."""
    with Receiver() as receiver:
        receiver.script("/hook", Manner.RESET)
        with pytest.raises(ConnectionResetError):
            post(receiver.base_url, "/hook", BODY, trio(b"k"))
        assert post(receiver.base_url, "/hook", BODY, trio(b"k")).status == 200
        lost, answered = receiver.journal.per_id()["msg-1"]
    assert (lost.answer, lost.acknowledged) == ("reset", False)
    assert (answered.answer, answered.acknowledged) == ('200 {"ok":true}', True)


def test_slow_answer() -> None:
    """An answer with latency keeps its client waiting."""
    with Receiver() as receiver:
        receiver.script("/slow", then=Answer(latency_s=0.1))
        began_s = monotonic()
        post(receiver.base_url, "/slow", b"")
    assert monotonic() - began_s >= 0.1


def test_directive_in_the_query() -> None:
    """The query scripts a path where only the URL can be chosen; nonsense in it is passed over."""
    with Receiver() as receiver:
        path = "/hook?sim=503&times=2&retry_after=9"
        replies = [post(receiver.base_url, path, b"") for _ in range(3)]
        assert post(receiver.base_url, "/gone?sim=410", b"").status == 410
        assert post(receiver.base_url, "/gone?sim=410", b"").status == 410
        assert post(receiver.base_url, "/x?sim=what&times=few&latency=soon", b"").status == 200
        began_s = monotonic()
        assert post(receiver.base_url, "/x?latency=0.1", b"").status == 200
        assert monotonic() - began_s >= 0.1
        with pytest.raises(TimeoutError):
            post(receiver.base_url, "/x?sim=hang", b"", timeout_s=0.1)
    assert [reply.status for reply in replies] == [503, 503, 200]
    assert replies[0].headers["retry-after"] == "9"


def test_bodies_of_one_id_are_compared() -> None:
    """An id that came with two bodies is named; ids that kept theirs are not."""
    with Receiver() as receiver:
        for webhook_id, body in [("a", b"1"), ("b", b"1"), ("a", b"1"), ("b", b"2")]:
            post(receiver.base_url, "/", body, {"webhook-id": webhook_id})
        journal = receiver.journal
    assert {name: len(entries) for name, entries in journal.per_id().items()} == {"a": 2, "b": 2}
    assert journal.ids_with_differing_bodies() == {"b"}


def test_delivered_are_ids_with_an_acknowledgement() -> None:
    """Only an id that was answered 2xx counts as delivered, whatever else it was answered."""
    with Receiver() as receiver:
        receiver.script("/", http_status(500), http_status(302), http_status(299))
        for webhook_id in ("a", "b", "a"):
            post(receiver.base_url, "/", b"", {"webhook-id": webhook_id})
        assert receiver.journal.delivered() == {"a"}


def test_hook_sees_each_request_before_it_is_kept() -> None:
    """`on_request` is called with the request before the journal has it."""
    seen: list[tuple[bytes, int]] = []

    def look(request: Request) -> None:
        seen.append((request.body, len(receiver.journal.entries)))

    with Receiver(on_request=look) as receiver:
        post(receiver.base_url, "/", b"1")
        post(receiver.base_url, "/", b"2")
    assert seen == [(b"1", 0), (b"2", 1)]


def test_journal_file_is_the_journal(tmp_path: Path) -> None:
    """The file reads back equal, bytes that are no UTF-8 included."""
    file = tmp_path / "received.jsonl"
    with Receiver(secret="s", journal=file) as receiver:
        post(receiver.base_url, "/", b"\xff\xfe\x00 \xc3\xa4")
        post(receiver.base_url, "/", BODY, trio(b"s"))
        assert ReceiverJournal.read(file).entries == receiver.journal.entries


def test_receiver_on_another_loopback_address() -> None:
    """A receiver may stand for an address that must not be connected to: it counts every connection."""
    with Receiver(host="127.0.0.2") as forbidden:
        assert forbidden.base_url.startswith("http://127.0.0.2:")
        assert forbidden.connections == 0
        post(forbidden.base_url, "/", b"")
        assert forbidden.connections == 1
