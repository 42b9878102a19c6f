"""An HTTP answer and the manner in which it is carried: whole, slowly, broken or not at all."""

import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import assert_never

_CHUNK = 65536
_FLOOD_BYTES = 1 << 30
_REASONS = {int(status): status.phrase for status in HTTPStatus}
_LINGER_0 = struct.pack("ii", 1, 0)


class Manner(StrEnum):
    """How an answer is carried to the client, or kept from it."""

    WHOLE = "whole"
    """At once; the connection stays open."""
    LEAVE = "leave"
    """At once; then the connection is closed without having said so."""
    DRIP = "drip"
    """The head at once, the body byte by byte."""
    CUT = "cut"
    """The head and half of the body, then the connection is closed."""
    STALL = "stall"
    """The head and half of the body, then nothing until the client leaves."""
    HANG = "hang"
    """Nothing until the client leaves."""
    CLOSE = "close"
    """Nothing; the connection is closed in order (FIN)."""
    RESET = "reset"
    """Nothing; the connection is reset (RST)."""
    HUGE = "huge"
    """The answer, followed by 1 GiB of blanks as part of its body."""
    HEADERS = "headers"
    """A head that does not end (1 GiB of header lines)."""

    @property
    def arrives(self) -> bool:
        """Whether a patient client ends up with the whole answer and nothing else."""
        return self in {Manner.WHOLE, Manner.LEAVE, Manner.DRIP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered, when, and in which manner."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Beside content-length; content-type is application/json unless given here."""
    body: bytes = b""
    latency_s: float = 0.0
    manner: Manner = Manner.WHOLE
    drip_s: float = 0.1
    """The pause between two bytes of a dripping body."""

    def __str__(self) -> str:
        """Say it in one line for a journal: the status and the beginning of the body, or how it was withheld."""
        if self.manner in {Manner.HANG, Manner.CLOSE, Manner.RESET, Manner.HEADERS}:
            return self.manner.value
        text = f"{self.status} {self.body[:300].decode(errors='replace')}"
        return text if self.manner is Manner.WHOLE else f"{self.manner.value} {text}"


def _head(answer: Answer, body_bytes: int) -> bytes:
    """Return the status line and the headers of an answer that promises so many bytes of body."""
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    if "content-type" not in answer.headers:
        lines.append("content-type: application/json")
    if not _is_bodiless(answer.status):
        lines.append(f"content-length: {body_bytes}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _is_bodiless(status: int) -> bool:
    """Whether the status forbids a body and a content-length (RFC 9110 §6.4.1, §8.6)."""
    return status < HTTPStatus.OK or status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


def send(connection: socket.socket, answer: Answer, stopping: threading.Event) -> bool:
    """Carry the answer in its manner; return whether the connection may carry another one."""
    at_once = _at_once(answer)
    if at_once:
        connection.sendall(at_once)
    match answer.manner:
        case Manner.WHOLE:
            return True
        case Manner.DRIP:
            _drip(connection, answer, stopping)
            return True
        case Manner.LEAVE | Manner.CUT | Manner.CLOSE:
            pass
        case Manner.STALL | Manner.HANG:
            _await_leaving(connection)
        case Manner.RESET:
            reset(connection)
        case Manner.HUGE:
            _flood(connection, b" " * _CHUNK)
        case Manner.HEADERS:
            _flood(connection, b"x-filler: " + b"x" * _CHUNK + b"\r\n")
        case _:
            assert_never(answer.manner)
    return False


def _at_once(answer: Answer) -> bytes:
    """Return what the manner lets through without delay."""
    body = b"" if _is_bodiless(answer.status) else answer.body
    head = _head(answer, len(body) + (_FLOOD_BYTES if answer.manner is Manner.HUGE else 0))
    match answer.manner:
        case Manner.WHOLE | Manner.LEAVE | Manner.HUGE:
            return head + body
        case Manner.DRIP:
            return head
        case Manner.CUT | Manner.STALL:
            return head + body[: len(body) // 2]
        case Manner.HEADERS:
            return head.removesuffix(b"\r\n")
        case Manner.HANG | Manner.CLOSE | Manner.RESET:
            return b""
        case _:
            assert_never(answer.manner)


def _drip(connection: socket.socket, answer: Answer, stopping: threading.Event) -> None:
    """Send the body byte by byte; after a stop the next send finds the connection shut down."""
    for byte in b"" if _is_bodiless(answer.status) else answer.body:
        stopping.wait(answer.drip_s)
        connection.sendall(bytes((byte,)))


def _flood(connection: socket.socket, chunk: bytes) -> None:
    """Send 1 GiB of the same."""
    for _ in range(_FLOOD_BYTES // _CHUNK):
        connection.sendall(chunk)


def _await_leaving(connection: socket.socket) -> None:
    """Wait until the client has closed the connection or stop() has shut it down."""
    while connection.recv(_CHUNK):
        pass


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN (SO_LINGER with no time)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
    connection.close()
