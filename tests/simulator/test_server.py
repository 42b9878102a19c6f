"""The server carries each answer in its manner, and starts and stops at once."""

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPSConnection, IncompleteRead, RemoteDisconnected
from pathlib import Path
from time import monotonic

import pytest

from batchctl.simulator.answer import Answer, Manner
from batchctl.simulator.server import HttpServer, Request

from .client import await_true, exchange, open_connection, post

CERTIFICATE = Path(__file__).parents[1] / "gateways" / "trusted.pem"
HELLO = Answer(body=b'{"hello":"world"}')


def serving(answer: Answer) -> Callable[[Request], Answer]:
    """Return a handler that always gives the same answer."""
    return lambda _request: answer


def raw_connection(server: HttpServer, *, timeout_s: float = 5.0) -> socket.socket:
    """Open a bare socket to the server."""
    host, port = server.base_url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=timeout_s)


def raw_request(path: str = "/", body: bytes = b"") -> bytes:
    """Return the bytes of a small request."""
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_connection_stays_open_for_further_requests() -> None:
    """Two requests go over one connection, and each is read whole: method, path, headers, body."""
    seen: list[Request] = []

    def answer(request: Request) -> Answer:
        seen.append(request)
        return replace(HELLO, status=201, headers={"x-n": str(len(seen))})

    with HttpServer(answer) as server:
        connection = open_connection(server.base_url)
        first = exchange(connection, "/one?a=b", b"1", {"X-Name": " value "})
        second = exchange(connection, "/two", b"22")
        connection.close()
        assert server.connections == 1
    assert [first.status, first.headers["x-n"], second.headers["x-n"]] == [201, "1", "2"]
    assert first.body == HELLO.body
    assert first.headers["content-type"] == "application/json"
    assert [(r.method, r.path, r.body, r.in_flight) for r in seen] == [
        ("POST", "/one?a=b", b"1", 1),
        ("POST", "/two", b"22", 1),
    ]
    assert seen[0].headers["x-name"] == "value"


def test_requests_are_found_in_whatever_pieces_they_arrive() -> None:
    """One request byte by byte, and two in one piece, are read as three requests."""
    seen: list[bytes] = []

    def answer(request: Request) -> Answer:
        seen.append(request.body)
        return Answer(status=204)

    with HttpServer(answer) as server, raw_connection(server) as connection:
        for byte in raw_request(body=b"first"):
            connection.sendall(bytes((byte,)))
        assert connection.recv(1000).startswith(b"HTTP/1.1 204 No Content\r\n")
        connection.sendall(raw_request(body=b"second") + raw_request(body=b"third"))
        received = b""
        while received.count(b"\r\n\r\n") < 2:
            received += connection.recv(1000)
    assert seen == [b"first", b"second", b"third"]


def test_status_without_body_has_none() -> None:
    """A 204 carries neither body nor content-length, so the next answer on the connection is read right."""
    with HttpServer(serving(Answer(status=204, body=b"must not be sent"))) as server:
        connection = open_connection(server.base_url)
        replies = [exchange(connection, "/", b"") for _ in range(2)]
        connection.close()
    assert [(reply.status, reply.body, "content-length" in reply.headers) for reply in replies] == [
        (204, b"", False)
    ] * 2


def test_chunked_request_is_refused() -> None:
    """A request without content-length is refused with 411 instead of being misread."""
    with HttpServer(serving(HELLO)) as server, raw_connection(server) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 411 ")


def test_latency_delays_the_answer() -> None:
    """An answer with a latency does not come sooner."""
    with HttpServer(serving(replace(HELLO, latency_s=0.1))) as server:
        began_s = monotonic()
        assert post(server.base_url, "/", b"").status == 200
    assert monotonic() - began_s >= 0.1


def test_leave_closes_unannounced() -> None:
    """`leave` answers whole without saying `connection: close`, and then closes."""
    with HttpServer(serving(replace(HELLO, manner=Manner.LEAVE))) as server, raw_connection(server) as connection:
        connection.sendall(raw_request())
        received = b""
        while chunk := connection.recv(1000):
            received += chunk
    assert received.endswith(HELLO.body)
    assert b"connection:" not in received.lower()


def test_drip_sends_the_body_byte_by_byte() -> None:
    """`drip` delivers the whole body, a pause before each byte, and keeps the connection."""
    with HttpServer(serving(replace(HELLO, manner=Manner.DRIP, drip_s=0.005))) as server:
        connection = open_connection(server.base_url)
        began_s = monotonic()
        assert exchange(connection, "/", b"").body == HELLO.body
        assert monotonic() - began_s >= 0.005 * len(HELLO.body)
        assert exchange(connection, "/", b"").body == HELLO.body
        connection.close()
        assert server.connections == 1


def test_cut_ends_in_mid_body() -> None:
    """`cut` promises the whole body, sends half and closes."""
    with HttpServer(serving(replace(HELLO, manner=Manner.CUT))) as server, pytest.raises(IncompleteRead) as cut:
        post(server.base_url, "/", b"")
    assert cut.value.partial == HELLO.body[: len(HELLO.body) // 2]


def test_stall_sends_half_and_waits() -> None:
    """`stall` sends the head and half of the body, then nothing more and no end either."""
    half = HELLO.body[: len(HELLO.body) // 2]
    stalling = serving(replace(HELLO, manner=Manner.STALL))
    with HttpServer(stalling) as server, raw_connection(server) as connection:
        connection.sendall(raw_request())
        received = b""
        while not received.endswith(half):
            received += connection.recv(1000)
        connection.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.recv(1000)
    assert received.partition(b"\r\n\r\n")[2] == half


@pytest.mark.parametrize(
    ("manner", "error"),
    [
        (Manner.HANG, TimeoutError),
        (Manner.CLOSE, RemoteDisconnected),
        (Manner.RESET, ConnectionResetError),
    ],
)
def test_withheld_answer(manner: Manner, error: type[Exception]) -> None:
    """`hang`, `close` and `reset` read the request and answer nothing, each in its own way."""
    seen: list[bytes] = []

    def answer(request: Request) -> Answer:
        seen.append(request.body)
        return replace(HELLO, manner=manner)

    with HttpServer(answer) as server:
        with pytest.raises(error) as caught:
            post(server.base_url, "/", b"read", timeout_s=0.2)
        await_true(lambda: seen)
    # RemoteDisconnected is a ConnectionResetError too: here it stands for an orderly end.
    assert type(caught.value) is error
    assert seen == [b"read"]


def test_huge_body_begins_with_the_answer() -> None:
    """`huge` promises more than 1 GiB, begins with the answer and goes on with blanks; a client may leave."""
    with HttpServer(serving(replace(HELLO, manner=Manner.HUGE))) as server:
        connection = open_connection(server.base_url)
        connection.request("POST", "/", b"")
        response = connection.getresponse()
        beginning = response.read(2 << 20)
        response.close()
        connection.close()
        assert int(response.headers["content-length"]) == (1 << 30) + len(HELLO.body)
        assert beginning.startswith(HELLO.body)
        assert beginning.removeprefix(HELLO.body).strip() == b""
        assert len(beginning) == 2 << 20


def test_headers_do_not_end() -> None:
    """`headers` sends header lines for ever: after 1 MiB the head is not over."""
    with HttpServer(serving(replace(HELLO, manner=Manner.HEADERS))) as server, raw_connection(server) as connection:
        connection.sendall(raw_request())
        received = bytearray()
        while len(received) < 1 << 20:
            received += connection.recv(65536)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in received


def test_unread_connections_are_reset() -> None:
    """While `unread` says so, new and kept connections are reset and no request reaches the handler."""
    seen: list[Request] = []
    is_down = False

    def answer(request: Request) -> Answer:
        seen.append(request)
        return HELLO

    with HttpServer(answer, unread=lambda: is_down) as server:
        kept = open_connection(server.base_url)
        exchange(kept, "/", b"before")
        is_down = True
        with pytest.raises(ConnectionResetError):
            exchange(kept, "/", b"on a kept connection")
        with raw_connection(server) as new:
            new.sendall(b"P")
            with pytest.raises(ConnectionResetError):
                new.recv(1)
        kept.close()
        is_down = False
        post(server.base_url, "/", b"after")
    assert [request.body for request in seen] == [b"before", b"after"]


def test_in_flight_counts_requests_that_are_handled_at_once() -> None:
    """Two requests handled at once are numbered 1 and 2; one that comes after them is number 1 again."""
    both_there = threading.Barrier(2, timeout=5)
    counts: list[int] = []

    def answer(request: Request) -> Answer:
        counts.append(request.in_flight)
        if request.path == "/together":
            both_there.wait()
        return HELLO

    with HttpServer(answer) as server:
        clients = [threading.Thread(target=post, args=(server.base_url, "/together", b"")) for _ in range(2)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        post(server.base_url, "/alone", b"")
    assert sorted(counts[:2]) == [1, 2]
    assert counts[2:] == [1]


def test_stop_is_quick_and_restart_keeps_the_port() -> None:
    """A stop does not wait for hanging clients or latencies; afterwards connections are refused until the restart."""
    handled = threading.Barrier(3, timeout=5)

    def answer(request: Request) -> Answer:
        if request.path == "/":
            return HELLO
        handled.wait()
        return replace(HELLO, manner=Manner.HANG) if request.path == "/hang" else replace(HELLO, latency_s=30)

    server = HttpServer(answer)
    server.start()
    base_url = server.base_url
    with raw_connection(server) as hanging, raw_connection(server) as waiting, raw_connection(server) as idle:
        hanging.sendall(raw_request("/hang"))
        waiting.sendall(raw_request("/wait"))
        handled.wait()
        began_s = monotonic()
        server.stop()
        assert monotonic() - began_s < 1
        assert hanging.recv(1) == b""
        assert idle.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        post(base_url, "/", b"")
    server.stop()
    server.start()
    assert server.base_url == base_url
    assert post(base_url, "/", b"").status == 200
    server.stop()


def test_tls_is_spoken_to_those_who_trust_it_and_ends_at_once() -> None:
    """A client that trusts the certificate is answered, one that does not is counted, and neither delays a stop."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    with HttpServer(serving(HELLO), tls=tls) as server:
        port = int(server.base_url.removeprefix("https://127.0.0.1:"))
        trusting = HTTPSConnection("127.0.0.1", port, context=ssl.create_default_context(cafile=CERTIFICATE), timeout=5)
        reply = exchange(trusting, "/", b"")
        with pytest.raises(ssl.SSLCertVerificationError):
            HTTPSConnection("127.0.0.1", port, timeout=5).connect()
        with socket.create_connection(("127.0.0.1", port), timeout=5) as silent:
            await_true(lambda: server.connections == 3)
            began_s = monotonic()
            server.stop()
            assert monotonic() - began_s < 1
            assert silent.recv(1) == b""
        trusting.close()
    assert reply.body == HELLO.body
