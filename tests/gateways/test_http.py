"""The client as the services see it: every outcome, the deadline, the cap, places, and what it never does."""

import gzip
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from batchctl import __version__
from batchctl.domain.wire import Http, Lost, LostKind, NotSent, NotSentKind, Reply
from batchctl.gateways import transport
from batchctl.gateways.http import ThreadedHttp

from .conftest import Serve
from .exchanges import PATIENCE_S, SECRET, TIMEOUT_MS, carry, failing, land, post, resolving
from .scripted import EXPIRED_PEM, TRUSTED_PEM, Peer, Script, answer, answering, answering_once, silent, unasked

ENDLESS = 10_000


def test_request_arrives_as_given_and_reply_comes_back(http: Http, serve: Serve) -> None:
    """Bytes and headers go out unchanged, nothing else is asked for, and header names come back in lower case."""
    server = serve(answering(answer("grüß".encode(), status=201, headers="X-Kind: Good\r\n")))
    outcome = carry(http, post(server.url("/a?b=c%20d"), body="{'ä'}".encode(), headers={"x-own": "1"}))
    assert outcome == Reply(
        status=201, headers={"content-length": "6", "x-kind": "Good"}, body="grüß".encode(), truncated=False
    )
    (received,) = server.requests
    assert received.line == "POST /a?b=c%20d HTTP/1.1"
    assert received.body == "{'ä'}".encode()
    assert {name: value for name, value in received.headers.items() if name != "connection"} == {
        "host": f"127.0.0.1:{server.port}",
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": f"batchctl/{__version__}",
        "authorization": f"Bearer {SECRET}",
        "x-own": "1",
        "content-length": "6",
    }


def drip_headers(peer: Peer) -> None:
    """Script: headers, a byte at a time, for ever."""
    peer.receive()
    peer.drip(b"HTTP/1.1 200 OK\r\n" + b"x-long: 1\r\n" * ENDLESS, every_s=0.01)


def drip_body(peer: Peer) -> None:
    """Script: a prompt head, then a body a byte at a time."""
    peer.receive()
    peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n")
    peer.drip(b"." * ENDLESS, every_s=0.01)


@pytest.mark.parametrize("script", [silent, drip_headers, drip_body])
def test_total_deadline_ends_every_answer(http: Http, serve: Serve, script: Script) -> None:
    """One deadline covers the whole exchange, however lively the other side looks."""
    server = serve(script)
    (landed,) = land(http, post(server.url(), timeout_ms=TIMEOUT_MS))
    assert landed.outcome == Lost(kind=LostKind.TIMEOUT, detail="no complete answer within 200 ms")
    assert TIMEOUT_MS * 0.9 <= landed.duration_ms < TIMEOUT_MS * 5


def test_deadline_ends_an_upload_that_nobody_reads(http: Http, serve: Serve) -> None:
    """Sending is under the deadline too, and what was half sent may have arrived."""
    server = serve(silent)
    (landed,) = land(http, post(server.url(), body=b"x" * 32_000_000, timeout_ms=TIMEOUT_MS))
    assert isinstance(landed.outcome, Lost)
    assert landed.outcome.kind is LostKind.TIMEOUT
    assert landed.duration_ms < TIMEOUT_MS * 5


def reset(peer: Peer) -> None:
    """Script: take the request and reset the connection."""
    peer.receive()
    peer.reset()


def endless_headers(peer: Peer) -> None:
    """Script: headers as fast as they go, for ever."""
    peer.receive()
    peer.send(b"HTTP/1.1 200 OK\r\n")
    while not peer.wait(0):
        peer.send(b"x-more: and more\r\n" * 1000)


def endless_interim_answers(peer: Peer) -> None:
    """Script: "continue" for ever, never an answer."""
    peer.receive()
    while not peer.wait(0):
        peer.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 1000)


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        (reset, "the connection was reset"),
        (answering_once(b""), "the connection was closed early, or the answer is not HTTP"),
        (answering_once(b"HTTP/1.1 200 OK\r\nconte"), "the connection was closed early, or the answer is not HTTP"),
        (answering_once(answer(b"whole")[:-1]), "the connection was closed early, or the answer is not HTTP"),
        (answering_once(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "the connection was closed early, or the answer is not HTTP"),
        (answering_once(b"\x00\xff" * 500), "the connection was closed early, or the answer is not HTTP"),
        (endless_headers, "the answer's headers do not end"),
        (endless_interim_answers, "the answer's headers do not end"),
    ],
)
def test_answer_that_never_comes_whole_is_lost(http: Http, serve: Serve, script: Script, detail: str) -> None:
    """Once the request went out, everything but a whole answer leaves its fate open."""
    server = serve(script)
    assert carry(http, post(server.url())) == Lost(kind=LostKind.RESET, detail=detail)


def test_trailer_behind_the_body_is_passed_over(http: Http, serve: Serve) -> None:
    """An answer in chunks may end with headers of its own, which make it no less whole."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    server = serve(answering(head + b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"))
    outcome = carry(http, post(server.url()))
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.body) == (200, b"ok")
    assert "x-sum" not in outcome.headers


def test_refused_connection_was_surely_not_sent(http: Http) -> None:
    """A port that nobody listens on is an outcome that allows to send again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = carry(http, post(f"http://127.0.0.1:{port}/"))
    assert outcome == NotSent(kind=NotSentKind.REFUSED, detail="connecting failed: Connection refused")


@pytest.mark.parametrize(
    ("make", "detail"),
    [
        (
            lambda: socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "the name look-up failed: Name or service not known",
        ),
        (lambda: UnicodeError("label too long"), "the name look-up failed: UnicodeError"),
        (TimeoutError, "the name look-up timed out"),
    ],
)
def test_name_that_cannot_be_resolved_was_surely_not_sent(make: Callable[[], Exception], detail: str) -> None:
    """Every failure of the resolver is a DNS failure."""
    http = ThreadedHttp(1, resolve=failing(make))
    assert carry(http, post("http://nowhere.test/")) == NotSent(kind=NotSentKind.DNS, detail=detail)
    http.close()


def test_name_without_addresses_was_surely_not_sent() -> None:
    """An empty answer of the resolver is a DNS failure too."""
    http = ThreadedHttp(1, resolve=resolving())
    outcome = carry(http, post("http://empty.test/"))
    assert outcome == NotSent(kind=NotSentKind.DNS, detail="the name has no address")
    http.close()


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("", {}),
        ("http://", {}),
        ("ftp://127.0.0.1/", {}),
        ("http://[::1/", {}),
        ("http://127.0.0.1:999999/", {}),
        ("http://127.0.0.1:9/\n", {}),
        ("http://127.0.0.1:PORT/", {"x-broken": "a\r\nb: c"}),
        ("http://127.0.0.1:PORT/", {"x-foreign": "schlüssel"}),
    ],
)
def test_request_that_cannot_be_written_was_surely_not_sent(
    http: Http, serve: Serve, url: str, headers: dict[str, str]
) -> None:
    """A bad address or header sends no byte, raises nothing and does not split the request."""
    server = serve(answering(answer()))
    outcome = carry(http, post(url.replace("PORT", str(server.port)), headers=headers))
    assert isinstance(outcome, NotSent)
    assert outcome.kind is NotSentKind.BAD_URL
    assert server.requests == []


def test_fate_of_one_request_does_not_cling_to_the_next(serve: Serve) -> None:
    """What was sent a moment ago over the same worker leaves no doubt about what could not be sent now."""
    server = serve(answering(answer()))
    http = ThreadedHttp(1)
    assert isinstance(carry(http, post(server.url())), Reply)
    assert isinstance(carry(http, post("ftp://127.0.0.1/")), NotSent)
    http.close()


@pytest.mark.parametrize(
    ("pem", "host", "detail"),
    [
        (TRUSTED_PEM, "other.example.test", "Hostname mismatch"),
        (EXPIRED_PEM, "hooks.example.test", "certificate has expired"),
    ],
)
def test_certificate_that_does_not_hold_was_surely_not_sent(serve: Serve, pem: object, host: str, detail: str) -> None:
    """A wrong name or an expired certificate ends before the request, with the reason."""
    server = serve(answering(answer()), pem)
    http = ThreadedHttp(1, resolve=resolving("127.0.0.1"), ca_file=str(pem))
    outcome = carry(http, post(server.url(host=host)))
    assert isinstance(outcome, NotSent)
    assert outcome.kind is NotSentKind.TLS
    assert detail in outcome.detail
    assert server.requests == []
    http.close()


def test_unknown_authority_is_refused_by_default(http: Http, serve: Serve) -> None:
    """Without `ca_file` only the public authorities count; nothing in the environment adds others."""
    server = serve(answering(answer()), TRUSTED_PEM)
    outcome = carry(http, post(server.url()))
    assert outcome == NotSent(kind=NotSentKind.TLS, detail="TLS: self-signed certificate")
    assert server.requests == []


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n", None])
def test_authorities_that_broke_trust_nobody(serve: Serve, tmp_path: Path, content: str | None) -> None:
    """A file that went away or broke since it was looked at raises nothing where tasks are claimed: nothing is sent."""
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    server = serve(answering(answer()), TRUSTED_PEM)
    http = ThreadedHttp(1, ca_file=str(file))
    outcome = carry(http, post(server.url()))
    http.close()
    assert isinstance(outcome, NotSent)
    assert outcome.kind is NotSentKind.TLS
    assert server.requests == []


def test_plain_text_where_tls_is_due_was_surely_not_sent(http: Http, serve: Serve) -> None:
    """There is no fall-back to an unencrypted request."""
    server = serve(unasked(answer()))
    outcome = carry(http, post(server.url().replace("http://", "https://")))
    assert isinstance(outcome, NotSent)
    assert outcome.kind is NotSentKind.TLS
    assert server.requests == []


def test_tls_handshake_that_hangs_is_a_connect_timeout(http: Http, serve: Serve) -> None:
    """The handshake is under the deadline, and nothing was sent."""
    server = serve(silent)
    (landed,) = land(http, post(server.url().replace("http://", "https://"), timeout_ms=TIMEOUT_MS))
    assert landed.outcome == NotSent(kind=NotSentKind.CONNECT_TIMEOUT, detail="the TLS handshake timed out")
    assert landed.duration_ms < TIMEOUT_MS * 5


def test_trusted_certificate_is_accepted_and_the_name_is_sent(serve: Serve) -> None:
    """TLS works, with the host's name as SNI and Host while the connection goes to an address."""
    server = serve(answering(answer(b"safe")), TRUSTED_PEM)
    http = ThreadedHttp(1, resolve=resolving("127.0.0.1"), ca_file=str(TRUSTED_PEM))
    outcome = carry(http, post(server.url(host="hooks.example.test")))
    assert isinstance(outcome, Reply)
    assert outcome.body == b"safe"
    assert server.names == ["hooks.example.test"]
    assert server.requests[0].headers["host"] == f"hooks.example.test:{server.port}"
    http.close()


def test_no_detail_shows_what_was_sent(http: Http, serve: Serve) -> None:
    """Neither key nor body nor the other side's bytes reach the text of an outcome."""
    echo = answering_once(f"{SECRET}\r\n\r\n".encode())
    urls = [serve(script).url(f"/{SECRET}") for script in (echo, reset, silent)]
    urls += [f"http://{SECRET}:x/", f"http://127.0.0.1:1/{SECRET}"]
    for url in urls:
        outcome = carry(http, post(url, timeout_ms=TIMEOUT_MS))
        assert isinstance(outcome, NotSent | Lost)
        assert SECRET not in outcome.detail


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(http: Http, serve: Serve, status: int) -> None:
    """A redirect is an answer like any other, and nobody is asked for its target."""
    target = serve(answering(answer()))
    server = serve(answering(answer(b"", status=status, headers=f"Location: {target.url()}\r\n")))
    outcome = carry(http, post(server.url()))
    assert isinstance(outcome, Reply)
    assert outcome.status == status
    assert target.connections == 0


def test_redirect_to_nonsense_is_an_answer(http: Http, serve: Serve) -> None:
    """An address that cannot be parsed does not turn an answer into a lost one."""
    server = serve(answering(answer(b"", status=302, headers="Location: https://[::1\r\n")))
    outcome = carry(http, post(server.url()))
    assert isinstance(outcome, Reply)
    assert outcome.status == 302


def test_cookies_are_not_kept(serve: Serve) -> None:
    """What one exchange sets, the next does not send."""
    server = serve(answering(answer(headers="Set-Cookie: session=1; Path=/\r\n")))
    http = ThreadedHttp(1)
    carry(http, post(server.url()))
    carry(http, post(server.url()))
    assert [request.headers.get("cookie") for request in server.requests] == [None, None]
    http.close()


def test_compressed_answer_stays_compressed(http: Http, serve: Serve) -> None:
    """A gzip bomb cannot unfold: the bytes are those that came, and the cap counts those."""
    packed = gzip.compress(b"0" * 10_000_000)
    server = serve(answering(answer(packed, headers="Content-Encoding: gzip\r\n")))
    outcome = carry(http, post(server.url(), max_bytes=len(packed)))
    assert isinstance(outcome, Reply)
    assert outcome.body == packed
    assert not outcome.truncated


def test_endless_body_is_cut_and_the_connection_closed(http: Http, serve: Serve) -> None:
    """No more than `max_bytes` is kept, and a sender of a gibibyte is hung up on."""
    sent = 0

    def gibibyte(peer: Peer) -> None:
        nonlocal sent
        peer.receive()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n")
        while sent < 1 << 30:
            peer.send(b"." * 65536)
            sent += 65536

    server = serve(gibibyte)
    outcome = carry(http, post(server.url(), max_bytes=1000))
    assert outcome == Reply(status=200, headers={"content-length": "1073741824"}, body=b"." * 1000, truncated=True)
    assert isinstance(carry(http, post(server.url(), max_bytes=1000)), Reply)
    assert server.connections == 2
    assert sent < 1 << 29


def test_long_answer_is_read_to_its_end(http: Http, serve: Serve) -> None:
    """The limit on headers is none on bodies, of the first exchange and of those that follow on its connection."""
    server = serve(answering(answer(b"." * 300_000)))
    for _ in range(2):
        outcome = carry(http, post(server.url(), max_bytes=1_000_000))
        assert isinstance(outcome, Reply)
        assert len(outcome.body) == 300_000


@pytest.mark.parametrize(("size", "truncated"), [(999, False), (1000, False), (1001, True)])
def test_cap_is_exact(http: Http, serve: Serve, size: int, *, truncated: bool) -> None:
    """A body of exactly `max_bytes` is whole."""
    server = serve(answering(answer(b"." * size)))
    outcome = carry(http, post(server.url(), max_bytes=1000))
    assert isinstance(outcome, Reply)
    assert len(outcome.body) == min(size, 1000)
    assert outcome.truncated is truncated


def test_proxies_of_the_environment_are_ignored(http: Http, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable sends our keys through somebody else's machine."""
    proxy, server = serve(answering(answer(status=502))), serve(answering(answer()))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url())
    outcome = carry(http, post(server.url()))
    assert isinstance(outcome, Reply)
    assert outcome.status == 200
    assert proxy.connections == 0


def test_connection_is_kept_alive(serve: Serve) -> None:
    """Requests in a row share a connection."""
    server = serve(answering(answer()))
    http = ThreadedHttp(1)
    outcomes = [carry(http, post(server.url())) for _ in range(3)]
    assert all(isinstance(outcome, Reply) for outcome in outcomes)
    assert (len(server.requests), server.connections) == (3, 1)
    http.close()


def test_connection_that_was_idle_too_long_is_not_used_again(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the keep-alive time a request gets a new connection."""
    monkeypatch.setattr(transport, "KEEP_ALIVE_S", 0.0)
    server = serve(answering(answer()))
    http = ThreadedHttp(1)
    for _ in range(2):
        assert isinstance(carry(http, post(server.url())), Reply)
    assert server.connections == 2
    http.close()


def hang_up_when_asked_again(peer: Peer) -> None:
    """Script: answer one request, and close as soon as a byte of another one comes."""
    peer.receive()
    peer.send(answer())
    peer.connection.recv(1)


def test_what_cannot_be_repeated_gets_a_connection_of_its_own(serve: Serve) -> None:
    """A server that hangs up on a used connection in the very moment of a submission leaves no outcome unknown."""
    server = serve(hang_up_when_asked_again)
    http = ThreadedHttp(1)
    for only_once in (False, True, True):
        assert isinstance(carry(http, post(server.url(), only_once=only_once)), Reply)
    assert (len(server.requests), server.connections) == (3, 3)
    http.close()


def test_connection_of_a_submission_is_kept_for_what_can_be_repeated(serve: Serve) -> None:
    """The question about a result goes over the connection that its submission has opened."""
    server = serve(answering(answer()))
    http = ThreadedHttp(1)
    for only_once in (True, False, False):
        assert isinstance(carry(http, post(server.url(), only_once=only_once)), Reply)
    assert server.connections == 1
    http.close()


def test_answer_lost_on_a_used_connection_is_a_loss(serve: Serve) -> None:
    """An end without an answer after a byte was sent says nothing of what the server read: never "not sent"."""
    server = serve(hang_up_when_asked_again)
    http = ThreadedHttp(1)
    assert isinstance(carry(http, post(server.url())), Reply)
    assert isinstance(carry(http, post(server.url())), Lost)
    assert server.connections == 1
    http.close()


def test_connection_that_the_server_closed_meanwhile_loses_nothing(serve: Serve) -> None:
    """A server that hangs up between two requests costs a connection, not an unknown outcome."""
    hung_up = threading.Semaphore(0)

    def hang_up(peer: Peer) -> None:
        peer.receive()
        peer.send(answer())
        peer.connection.close()
        hung_up.release()

    server = serve(hang_up)
    http = ThreadedHttp(1)
    for _ in range(3):
        assert isinstance(carry(http, post(server.url())), Reply)
        assert hung_up.acquire(timeout=PATIENCE_S)
    assert server.connections == 3
    http.close()


def test_forbidden_address_gets_no_connection(serve: Serve) -> None:
    """A guarded request to loopback touches no socket, by address and by name, and the reason names the setting."""
    server = serve(answering(answer()))
    http = ThreadedHttp(1, resolve=resolving("127.0.0.1"))
    for host in ("127.0.0.1", "hooks.example.test"):
        outcome = carry(http, post(server.url(host=host), public_only=True))
        assert isinstance(outcome, NotSent)
        assert outcome.kind is NotSentKind.FORBIDDEN_ADDRESS
        assert "ENTERPRISE_WEBHOOK_ALLOW_INSECURE" in outcome.detail
    assert server.connections == 0
    http.close()


@pytest.mark.parametrize(
    "addresses",
    [
        ("93.184.215.14", "127.0.0.1"),
        ("127.0.0.1", "93.184.215.14"),
        ("93.184.215.14", "::ffff:7f00:1"),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::7f00:1"),
        ("93.184.215.14", "not an address"),
    ],
)
def test_one_forbidden_record_forbids_the_name(serve: Serve, addresses: tuple[str, ...]) -> None:
    """A name is only as public as its least public address."""
    server = serve(answering(answer()))
    http = ThreadedHttp(1, resolve=resolving(*addresses))
    outcome = carry(http, post(server.url(host="mixed.example.test"), public_only=True))
    assert isinstance(outcome, NotSent)
    assert outcome.kind is NotSentKind.FORBIDDEN_ADDRESS
    assert server.connections == 0
    http.close()


def test_guarded_request_never_rides_on_an_unguarded_connection(serve: Serve) -> None:
    """A connection made without the check is not good enough, though it is idle and to the same name."""
    server = serve(answering(answer()))
    http = ThreadedHttp(1, resolve=resolving("127.0.0.1"))
    url = server.url(host="hooks.example.test")
    assert isinstance(carry(http, post(url)), Reply)
    assert isinstance(carry(http, post(url, public_only=True)), NotSent)
    assert len(server.requests) == 1
    http.close()


def test_all_places_fly_at_once(serve: Serve) -> None:
    """As many requests as there are places are under way together, and each outcome carries its key."""
    everybody = threading.Barrier(4)

    def together(peer: Peer) -> None:
        peer.receive()
        everybody.wait(PATIENCE_S)
        peer.send(answer())

    server = serve(together)
    http = ThreadedHttp(4)
    landed = land(http, *(post(server.url(), key=key) for key in range(4)))
    assert [one.key for one in landed] == [0, 1, 2, 3]
    assert all(isinstance(one.outcome, Reply) for one in landed)
    http.close()


def test_outcomes_come_as_they_arrive(http: Http, serve: Serve) -> None:
    """One slow answer holds up none that has landed, and its place stays taken until it is collected."""
    slow, fast = serve(silent), serve(answering(answer()))
    http.send([post(slow.url(), key=1, timeout_ms=500), post(fast.url(), key=2)])
    assert [one.key for one in http.collect(PATIENCE_S)] == [2]
    with pytest.raises(ValueError, match="4 requests, but only 3 places are free"):
        http.send([post(fast.url())] * 4)
    assert [one.key for one in http.collect(PATIENCE_S)] == [1]
    assert len(fast.requests) == 1


def test_collect_waits_only_for_what_flies(http: Http, serve: Serve) -> None:
    """Nothing in flight: no wait. Something in flight: no longer than asked for."""
    began = monotonic()
    assert http.collect(PATIENCE_S) == []
    http.send([post(serve(silent).url(), timeout_ms=3000)])
    assert http.collect(0) == []
    assert http.collect(0.05) == []
    assert monotonic() - began < 2


def test_close_waits_for_nobody(serve: Serve) -> None:
    """A hanging exchange is abandoned; closing twice is closing once."""
    http = ThreadedHttp(1)
    http.send([post(serve(silent).url(), timeout_ms=4000)])
    began = monotonic()
    http.close()
    http.close()
    assert http.collect(PATIENCE_S) == []
    assert monotonic() - began < 2


def test_abandoned_exchange_does_not_haunt_a_later_life(serve: Serve) -> None:
    """A closed client can be used again, with all its places, and what it abandoned never turns up."""
    hanging, server = serve(silent), serve(answering(answer()))
    http = ThreadedHttp(2)
    http.send([post(hanging.url(), key=1, timeout_ms=TIMEOUT_MS)])
    http.close()
    landed = land(http, post(server.url(), key=2), post(hanging.url(), key=3, timeout_ms=TIMEOUT_MS * 3))
    assert [one.key for one in landed] == [2, 3]
    http.close()


def test_interrupt_ends_the_wait(http: Http, serve: Serve) -> None:
    """Ctrl-C reaches an operator's process while it waits for answers."""
    http.send([post(serve(silent).url(), timeout_ms=4000)])
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    began = monotonic()
    with pytest.raises(KeyboardInterrupt):
        http.collect(PATIENCE_S)
    assert monotonic() - began < 3
    timer.join()


IDLE = """
import sys, threading
from batchctl.gateways.http import ThreadedHttp
http = ThreadedHttp(20)
assert http.collect(1) == []
http.close()
assert threading.active_count() == 1, "a thread was started"
loaded = {"httpx", "httpcore", "h11", "ssl"} & set(sys.modules)
assert not loaded, loaded
"""

HANGING = """
import socket, threading
from batchctl.domain.wire import Request
from batchctl.gateways.http import ThreadedHttp
socket.getaddrinfo = lambda *_, **__: threading.Event().wait()
http = ThreadedHttp(2)
http.send([Request(key=1, url="http://hangs.test/", headers={}, body=b"", timeout_ms=100, max_bytes=1)])
print([one.outcome for one in http.collect(10)])
"""


def test_idle_client_imports_and_starts_nothing() -> None:
    """A pass without requests pays neither for httpx nor for threads."""
    subprocess.run([sys.executable, "-c", IDLE], check=True, timeout=30)


def test_hanging_resolver_blocks_no_exit() -> None:
    """A look-up that never returns ends at the deadline, and the process can still end."""
    done = subprocess.run([sys.executable, "-c", HANGING], check=True, timeout=30, capture_output=True, text=True)
    assert done.stdout == "[NotSent(kind=<NotSentKind.DNS: 'dns'>, detail='the name look-up timed out')]\n"
