"""One connection under its deadline: when a request leaves, and what an early answer is worth."""

import socket
from collections.abc import Iterator

import pytest

from batchctl.gateways.network import DeadlineStream, Exchange

from .exchanges import PATIENCE_S


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return our end of a connection and the other one."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(PATIENCE_S)
        yield ours, theirs


@pytest.fixture
def exchange() -> Exchange:
    """Return an exchange with time to spare."""
    begun = Exchange()
    begun.begin(timeout_ms=5000)
    return begun


def test_request_leaves_in_one_piece(ends: tuple[socket.socket, socket.socket], exchange: Exchange) -> None:
    """What is written goes out with the first read, and from then on it counts as sent."""
    ours, theirs = ends
    stream = DeadlineStream(ours, exchange)
    theirs.sendall(b"answer")
    stream.write(b"head ")
    stream.write(b"body")
    theirs.settimeout(0)
    with pytest.raises(BlockingIOError):
        theirs.recv(1)
    assert stream.read(100) == b"answer"
    assert exchange.sent
    assert theirs.recv(100) == b"head body"


def test_early_answer_counts(ends: tuple[socket.socket, socket.socket], exchange: Exchange) -> None:
    """A server that answers and hangs up without reading the request has answered."""
    ours, theirs = ends
    theirs.sendall(b"too large")
    theirs.close()
    stream = DeadlineStream(ours, exchange)
    stream.write(b"x" * 1_000_000)
    assert stream.read(100) == b"too large"
    assert exchange.sent


def test_time_that_is_up_is_up(ends: tuple[socket.socket, socket.socket]) -> None:
    """Without time nothing is sent and nothing read, though both could be done at once."""
    ours, theirs = ends
    theirs.sendall(b"answer")
    over = Exchange()
    over.begin(timeout_ms=0)
    stream = DeadlineStream(ours, over)
    with pytest.raises(TimeoutError):
        stream.read(100)
    stream.write(b"request")
    with pytest.raises(TimeoutError):
        stream.read(100)
    assert not over.sent
