"""A proxy before a PostgreSQL that cuts connections: at a byte, or exactly between a COMMIT and its reply.

It listens on loopback and understands just enough of the frontend's protocol to know a COMMIT when one passes by, as a
simple query or as a statement to be parsed. Clients must not ask for TLS.
"""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_CHUNK = 65536
_COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
"""The server's CommandComplete for a COMMIT."""
_JOIN_S = 5.0


class Way(Enum):
    """A direction of travel."""

    TO_SERVER = "to the server"
    TO_CLIENT = "to the client"


@dataclass(frozen=True, slots=True, kw_only=True)
class AtCommit:
    """Cut at the n-th COMMIT from now on: before the server gets it, or after it has obeyed and before it says so."""

    nth: int
    reaches_server: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AtByte:
    """Cut when so many more bytes have passed in one direction, over all connections."""

    position: int
    way: Way


@dataclass(slots=True)
class _Link:
    """One client's connection and the one that was made to the server for it."""

    client: socket.socket
    server: socket.socket
    unparsed: bytes = b""
    is_started: bool = False
    is_mute: bool = False
    """Whether the server's answers are kept from the client, until it has committed."""
    unheard: bytes = b""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def cut(self) -> None:
        """Close both connections; the threads that wait on them notice."""
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Proxy:
    """Relays connections to a server between `__enter__` and `__exit__`; `strike` says when to cut one."""

    def __init__(self, dsn: str) -> None:
        """Stand before the server of this address, whose host is a folder with its socket, or a name."""
        self._parts = conninfo_to_dict(dsn)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._lock = threading.Lock()
        self._links: list[_Link] = []
        self._threads: list[threading.Thread] = []
        self._strike: AtCommit | AtByte | None = None
        self._speaks = threading.Event()
        self._speaks.set()
        self.commits = 0
        """How many COMMITs have come by."""
        self.passed = dict.fromkeys(Way, 0)
        """How many bytes have passed in each direction."""
        self.cuts = 0

    @property
    def dsn(self) -> str:
        """The address of the database through this proxy."""
        port = self._listener.getsockname()[1]
        ours = {"host": "127.0.0.1", "port": port, "sslmode": "disable", "gssencmode": "disable"}
        return make_conninfo("", **{**self._parts, **ours})

    def strike(self, strike: AtCommit | AtByte | None) -> None:
        """Cut a connection when that comes; an earlier order that was not carried out is withdrawn."""
        with self._lock:
            match strike:
                case AtCommit(nth=nth, reaches_server=reaches_server):
                    self._strike = AtCommit(nth=self.commits + nth, reaches_server=reaches_server)
                case AtByte(position=position, way=way):
                    self._strike = AtByte(position=self.passed[way] + position, way=way)
                case None:
                    self._strike = None

    def fall_silent(self) -> None:
        """Let nothing pass any more, and keep every connection open."""
        self._speaks.clear()

    def cut_all(self) -> None:
        """Cut every connection now; those to come are relayed."""
        self._speaks.set()
        with self._lock:
            links = [*self._links]
        for link in links:
            link.cut()

    def __enter__(self) -> Self:
        """Begin to relay."""
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut every connection and wait for the threads."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()
        for thread in self._threads:
            thread.join(_JOIN_S)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # The listener was closed.
            while True:
                client, _ = self._listener.accept()
                try:
                    server = self._connect()
                except OSError:  # The server is away: so is this connection.
                    client.close()
                    continue
                link = _Link(client, server)
                with self._lock:
                    self._links.append(link)
                self._start(self._relay, link, Way.TO_SERVER)
                self._start(self._relay, link, Way.TO_CLIENT)

    def _connect(self) -> socket.socket:
        host, port = str(self._parts["host"]), str(self._parts.get("port", 5432))
        if not host.startswith("/"):
            return socket.create_connection((host, int(port)))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _relay(self, link: _Link, way: Way) -> None:
        source, target = (link.client, link.server) if way is Way.TO_SERVER else (link.server, link.client)
        with suppress(OSError):  # Either side left, or it was cut.
            while chunk := source.recv(_CHUNK):
                self._speaks.wait()
                part, goes_on = self._pass(link, way, chunk)
                target.sendall(part)
                if not goes_on:
                    with self._lock:
                        self.cuts += 1
                    break
        link.cut()
        source.close()

    def _pass(self, link: _Link, way: Way, chunk: bytes) -> tuple[bytes, bool]:
        """Return what of a chunk may go on its way, and whether the connection goes on after it."""
        with self._lock:
            before = self.passed[way]
            self.passed[way] += len(chunk)
            match self._strike:
                case AtByte(position=position, way=struck) if struck is way and position <= self.passed[way]:
                    self._strike = None
                    return chunk[: position - before], False
                case _:
                    pass
            if way is Way.TO_SERVER:
                return self._look_for_commit(link, chunk)
        if not link.is_mute:
            return chunk, True
        link.unheard += chunk
        return b"", _COMMITTED not in link.unheard

    def _look_for_commit(self, link: _Link, chunk: bytes) -> tuple[bytes, bool]:
        """Look at each message that ends in this chunk."""
        link.unparsed += chunk
        while (message := _take_message(link)) is not None:
            if not _is_commit(message):
                continue
            self.commits += 1
            match self._strike:
                case AtCommit(nth=nth, reaches_server=reaches_server) if nth == self.commits:
                    self._strike = None
                    if not reaches_server:
                        return b"", False
                    link.is_mute = True
                case _:
                    pass
        return chunk, True


def _take_message(link: _Link) -> bytes | None:
    """Take the next complete message off what was not parsed yet; the first of a connection has no letter."""
    letter = 1 if link.is_started else 0
    if len(link.unparsed) < letter + 4:
        return None
    (length,) = struct.unpack_from("!I", link.unparsed, letter)
    end = letter + length
    if len(link.unparsed) < end:
        return None
    message, link.unparsed = link.unparsed[:end], link.unparsed[end:]
    if not link.is_started:
        link.is_started = True
        return b""
    return message


def _is_commit(message: bytes) -> bool:
    """Say whether a message is `COMMIT` as a simple query, or parses it as an unnamed statement."""
    match message[:1]:
        case b"Q":
            return message[5:-1].strip().upper() == b"COMMIT"
        case b"P":
            return message[5:].split(b"\0")[1].strip().upper() == b"COMMIT"
        case _:
            return False
