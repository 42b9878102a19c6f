"""A small HTTP/1.1 server on loopback for answers that may be late, broken or missing on purpose.

One thread for each connection and no more parsing than needed: requests carry a content-length or no body at all, and
header names are folded to lower case. `http.server` in its place costs half as much CPU again for each request.
"""

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from ssl import SSLContext, SSLError, SSLSocket
from time import monotonic
from typing import Self

from batchctl.simulator.answer import Answer, reset, send

_CHUNK = 65536
_JOIN_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it was read. Header names are lower-case."""

    at_s: float
    """`time.monotonic()` when it had been read: on one machine the same clock for every process."""
    in_flight: int
    """How many requests were being handled at that moment, this one included."""
    method: str
    path: str
    """The request target, with its query."""
    headers: Mapping[str, str]
    body: bytes


class HttpServer:
    """Answers requests in daemon threads between `start` and `stop`, or within a `with` block.

    A request counts as in flight from the moment it was read until its answer begins to be sent, so a client that keeps
    a limit is never seen above it.
    """

    def __init__(
        self,
        answer: Callable[[Request], Answer],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        unread: Callable[[], bool] = lambda: False,
        tls: SSLContext | None = None,
    ) -> None:
        """Prepare a server; nothing is bound before `start`. With `tls`, a server's context, it speaks HTTPS.

        `answer` is called in the connection's thread for each request. While `unread()` is true, a connection is reset
        as soon as its client has sent something, unlooked at. (Were it reset at once, chance would decide whether the
        client fails while connecting or after it has sent.) Port 0 takes a free port and keeps it over a later `stop`
        and `start`.
        """
        self._answer = answer
        self._unread = unread
        self._host = host
        self._port = port
        self._tls = tls
        self._lock = threading.Lock()
        self._in_flight = 0
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._accepted = 0
        self._stopping = threading.Event()
        self._acceptor: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """`http://host:port` (or `https:`) without a slash at the end; the port is known from the first start on."""
        return f"{'http' if self._tls is None else 'https'}://{self._host}:{self._port}"

    @property
    def connections(self) -> int:
        """How many connections were ever accepted, those included whose TLS handshake failed."""
        return self._accepted

    def start(self) -> None:
        """Bind and begin to answer. Raises OSError when the port is taken."""
        listener = socket.create_server((self._host, self._port), backlog=1024)
        self._port = listener.getsockname()[1]
        self._stopping.clear()
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """Close every connection and wait for the threads; does nothing when not started."""
        if self._acceptor is None:
            return
        self._stopping.set()
        # The one portable way to wake a thread that waits in accept().
        with suppress(OSError):
            socket.create_connection((self._host, self._port), timeout=_JOIN_TIMEOUT_S).close()
        self._acceptor.join(_JOIN_TIMEOUT_S)
        self._acceptor = None
        with self._lock:
            open_now = dict(self._connections)
        for connection, thread in open_now.items():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(_JOIN_TIMEOUT_S)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                connection, _ = listener.accept()
                if self._stopping.is_set():
                    connection.close()
                    return
                self._accepted += 1
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                with self._lock:
                    self._connections[connection] = thread
                thread.start()

    def _serve(self, accepted: socket.socket) -> None:
        connection = accepted if self._tls is None else self._secured(accepted, self._tls)
        try:
            # The client left, or does not trust us, or stop() shut the connection down.
            with suppress(ConnectionError, SSLError), connection:
                if isinstance(connection, SSLSocket) and not self._stopping.is_set():
                    connection.do_handshake()
                rest: bytes | None = b""
                while rest is not None and not self._stopping.is_set():
                    rest = self._exchange(connection, rest)
        finally:
            with self._lock:
                del self._connections[connection]

    def _secured(self, accepted: socket.socket, tls: SSLContext) -> SSLSocket:
        """Put TLS over a connection, so that stop() finds it in place of the bare one; the handshake is to come."""
        with self._lock:
            secured = tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
            self._connections[secured] = self._connections.pop(accepted)
        return secured

    def _exchange(self, connection: socket.socket, received: bytes) -> bytes | None:
        """Read one request and answer it; return what was read beyond it, or None to close the connection."""
        while (head_end := received.find(b"\r\n\r\n")) < 0:
            chunk = connection.recv(_CHUNK)
            if not chunk:
                return None
            if self._unread():
                reset(connection)
                return None
            received += chunk
        method, path, headers = _parse_head(received[:head_end])
        if "transfer-encoding" in headers:
            send(connection, Answer(status=HTTPStatus.LENGTH_REQUIRED), self._stopping)
            return None
        body_start = head_end + 4
        body_end = body_start + int(headers.get("content-length", 0))
        while len(received) < body_end:
            chunk = connection.recv(_CHUNK)
            if not chunk:
                return None
            received += chunk
        answer = self._handle(method, path, headers, received[body_start:body_end])
        stays_open = send(connection, answer, self._stopping) and headers.get("connection") != "close"
        return received[body_end:] if stays_open else None

    def _handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Ask for the answer and wait for its time, counting the request as in flight meanwhile."""
        with self._lock:
            self._in_flight += 1
            in_flight = self._in_flight
        try:
            request = Request(
                at_s=monotonic(), in_flight=in_flight, method=method, path=path, headers=headers, body=body
            )
            answer = self._answer(request)
            if answer.latency_s > 0:
                self._stopping.wait(answer.latency_s)
            return answer
        finally:
            with self._lock:
                self._in_flight -= 1


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Return method, target and headers; raises ValueError for what is not HTTP/1.1."""
    request_line, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = request_line.split(" ")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return method, path, headers
