"""A server of raw sockets on loopback that does to its clients whatever a script says."""

import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Self

TRUSTED_PEM = Path(__file__).with_name("trusted.pem")
"""Key and certificate of hooks.example.test and 127.0.0.1, its own authority, valid until 2120."""
EXPIRED_PEM = Path(__file__).with_name("expired.pem")
"""The same, but valid until 2020-02-01."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as its bytes said it."""

    line: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """One client's connection, in the hands of a script."""

    def __init__(self, connection: socket.socket, server: "ScriptedServer") -> None:
        """Take over an accepted connection."""
        self.connection = connection
        self._server = server
        server.peers.append(self)
        self._buffer = b""

    def receive(self) -> bool:
        """Read one request and note it; False when the client has left instead."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return False
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        line, *rest = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in rest)}
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            if not self._more():
                return False
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        self._server.requests.append(Received(line=line, headers=headers, body=body))
        return True

    def send(self, data: bytes) -> None:
        """Send bytes as they are; OSError when the client has left."""
        self.connection.sendall(data)

    def wait(self, seconds: float) -> bool:
        """Do nothing for a while; True when the server is being stopped."""
        return self._server.stopping.wait(seconds)

    def drip(self, data: bytes, *, every_s: float) -> None:
        """Send one byte at a time until the client or the test has had enough."""
        for index in range(len(data)):
            self.send(data[index : index + 1])
            if self.wait(every_s):
                return

    def reset(self) -> None:
        """Close with a reset instead of an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _more(self) -> bytes:
        data = self.connection.recv(65536)
        self._buffer += data
        return data


Script = Callable[[Peer], None]


class ScriptedServer:
    """Listens on 127.0.0.1, counts connections, and plays the script on each of them; speaks TLS if given a PEM."""

    def __init__(self, script: Script, pem: Path | None = None) -> None:
        """Listen at once; enter the context to accept."""
        self._script = script
        self._tls = _tls(pem, self) if pem else None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._threads: list[Thread] = []
        self.stopping = Event()
        self.peers: list[Peer] = []
        self.connections = 0
        self.requests: list[Received] = []
        self.names: list[str | None] = []
        """The server names that TLS clients asked for."""

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """Return an address of this server under that host name."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def __enter__(self) -> Self:
        """Begin to accept."""
        self._listener.settimeout(0.02)
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all scripts and wait for their threads."""
        self.stopping.set()
        for peer in list(self.peers):
            with suppress(OSError):
                peer.connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)
            assert not thread.is_alive(), "a script did not end"
        self._listener.close()

    def _start(self, target: Callable[[], None]) -> None:
        thread = Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            with suppress(TimeoutError):
                connection, _ = self._listener.accept()
                self.connections += 1
                self._start(partial(self._play, connection))

    def _play(self, connection: socket.socket) -> None:
        # A client that leaves early is what many tests are about; its errors are not the script's.
        with suppress(OSError), connection:
            connection.settimeout(5)
            if self._tls is None:
                self._script(Peer(connection, self))
            else:
                with self._tls.wrap_socket(connection, server_side=True) as secured:
                    self._script(Peer(secured, self))


def answer(body: bytes = b"ok", *, status: int = 200, headers: str = "") -> bytes:
    """Write a complete answer; `headers` are further lines, each with its line end."""
    return f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def answering(data: bytes) -> Script:
    """Script: answer every request of a connection with these bytes."""

    def script(peer: Peer) -> None:
        while peer.receive():
            peer.send(data)

    return script


def answering_once(data: bytes) -> Script:
    """Script: answer one request with these bytes and close."""

    def script(peer: Peer) -> None:
        peer.receive()
        peer.send(data)

    return script


def unasked(data: bytes) -> Script:
    """Script: say these bytes before anybody asked."""

    def script(peer: Peer) -> None:
        peer.send(data)

    return script


def silent(peer: Peer) -> None:
    """Script: take the connection and never say a word."""
    peer.wait(5)


def _tls(pem: Path, server: ScriptedServer) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def note(_socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        server.names.append(name)

    context.sni_callback = note
    return context
