"""A provider and webhook receiver that cost almost nothing: raw HTTP/1.1 on asyncio, in a process of its own.

It answers as GRSAI does (contract §4): a task runs at its first poll and has ended at the second. `GET /report` tells
what it was asked. Run as `python -m bench.provider LATENCY_MS`; the first line that it prints is its port.
"""

import asyncio
import json
import sys
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Any, cast

from bench.work import FAILING

RUNNING = b'{"code":0,"msg":"success","data":{"id":"%b","status":"running","progress":50}}'
SUCCEEDED = (
    b'{"code":0,"msg":"success","data":{"id":"%b","status":"succeeded","progress":100,'
    b'"results":[{"url":"https://cdn.example/%b.mp4","removeWatermark":true,"pid":"p"}]}}'
)
FAILED = (
    b'{"code":0,"msg":"success","data":{"id":"%b","status":"failed","progress":0,'
    b'"failure_reason":"error","error":"the model could not finish the clip"}}'
)
ACCEPTED = b'{"code":0,"msg":"success","data":{"id":"%b"}}'
_HEAD = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
_FAILS = f'{FAILING}"'.encode()


class Books:
    """What was asked, and how often."""

    def __init__(self) -> None:
        """Start with nothing asked."""
        self.submissions = 0
        self.polls: dict[bytes, int] = {}
        self.surplus = 0
        """Polls of tasks that had ended already, or that nobody submitted."""
        self.webhooks: list[dict[str, Any]] = []
        self.in_flight = 0
        self.most_in_flight = 0

    def submit(self, body: bytes) -> bytes:
        """Accept a task; its id says how it will end, so that a poll has nothing to look up but a number."""
        self.submissions += 1
        remote_id = b"%b%d" % (b"f" if _FAILS in body else b"s", self.submissions)
        self.polls[remote_id] = 0
        return ACCEPTED % remote_id

    def poll(self, body: bytes) -> bytes:
        """Say how a task stands."""
        remote_id = body.rpartition(b'"')[0].rpartition(b'"')[2]
        asked = self.polls.get(remote_id, 2) + 1
        self.polls[remote_id] = asked
        if asked == 1:
            return RUNNING % remote_id
        self.surplus += asked > 2
        return FAILED % remote_id if remote_id.startswith(b"f") else SUCCEEDED % (remote_id, remote_id)

    def hook(self, body: bytes) -> bytes:
        """Take a webhook."""
        self.webhooks.append(json.loads(body))
        return b"{}"

    def report(self) -> bytes:
        """Return the figures that invariants are checked with."""
        figures = {
            "submissions": self.submissions,
            "polls": sum(self.polls.values()),
            "ended": sum(polls >= 2 for polls in self.polls.values()),
            "surplus_polls": self.surplus,
            "webhooks": self.webhooks,
            "most_in_flight": self.most_in_flight,
        }
        return json.dumps(figures).encode()


class Connection(asyncio.Protocol):
    """One client's connection: one request after another, each answered when its time has come."""

    def __init__(self, books: Books, latency_s: float) -> None:
        """Answer from the books after `latency_s`."""
        self._books = books
        self._latency_s = latency_s
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class is not one of asyncio's

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        received = self._received + data if self._received else data
        while (end := received.find(b"\r\n\r\n")) >= 0:
            head = received[:end].lower()
            _, found, length = head.partition(b"\r\ncontent-length:")
            stop = end + 4 + (int(length.partition(b"\r\n")[0]) if found else 0)
            if len(received) < stop:
                break
            self._answer(head, received[end + 4 : stop])
            received = received[stop:]
        self._received = received

    def _answer(self, head: bytes, body: bytes) -> None:
        books, status = self._books, b"200 OK"
        path = head.split(b" ", 2)[1]
        books.in_flight += 1
        books.most_in_flight = max(books.most_in_flight, books.in_flight)
        if path == b"/v1/draw/result":
            answer = books.poll(body)
        elif path == b"/v1/video/sora-video":
            answer = books.submit(body)
        elif path == b"/hook":
            answer = books.hook(body)
        elif path == b"/report":
            answer = books.report()
        else:
            status, answer = b"404 Not Found", b"{}"
        whole = _HEAD % (status, len(answer), answer)
        if self._latency_s:
            asyncio.get_running_loop().call_later(self._latency_s, self._send, whole)
        else:
            self._send(whole)

    def _send(self, whole: bytes) -> None:
        self._books.in_flight -= 1
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(whole)


async def serve(latency_s: float) -> None:
    """Listen on a free port of the loopback address, print it, and answer until the process is ended."""
    books = Books()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Connection, books, latency_s), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(ImportError):
        uvloop: Any = import_module("uvloop")
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]) / 1000))
