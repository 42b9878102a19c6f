"""The plain HTTP client of these tests: one request, one connection, nothing hidden."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Event
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from batchctl.simulator.provider import SimulatedProvider

SORA = "/v1/video/sora-video"
VEO = "/v1/video/veo"
RESULT = "/v1/draw/result"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)


def open_connection(base_url: str, *, timeout_s: float = 5.0) -> HTTPConnection:
    """Return a connection that is opened by its first request."""
    parts = urlsplit(base_url)
    assert parts.hostname is not None
    return HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)


def exchange(connection: HTTPConnection, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
    """POST over the given connection and read the whole answer."""
    connection.request("POST", path, body, dict(headers or {}))
    response = connection.getresponse()
    content = response.read()
    return Reply(
        status=response.status, headers={name.lower(): text for name, text in response.getheaders()}, body=content
    )


def post(
    base_url: str, path: str, body: bytes, headers: Mapping[str, str] | None = None, *, timeout_s: float = 5.0
) -> Reply:
    """POST over a connection of its own."""
    connection = open_connection(base_url, timeout_s=timeout_s)
    try:
        return exchange(connection, path, body, headers)
    finally:
        connection.close()


def submit(
    provider: SimulatedProvider, prompt: str, *, path: str = SORA, key: str = "any", timeout_s: float = 5.0
) -> Reply:
    """Submit a task."""
    model = "veo3.1-fast" if path == VEO else "sora-2"
    body = json.dumps({"model": model, "prompt": prompt, "webHook": "-1"}).encode()
    return post(provider.base_url, path, body, {"Authorization": f"Bearer {key}"}, timeout_s=timeout_s)


def submitted_id(provider: SimulatedProvider, prompt: str, *, path: str = SORA) -> str:
    """Submit a task that is accepted and return its id."""
    remote_id = submit(provider, prompt, path=path).json["data"]["id"]
    assert isinstance(remote_id, str)
    return remote_id


def ask(provider: SimulatedProvider, remote_id: str, *, timeout_s: float = 5.0) -> Reply:
    """Ask for a task's result."""
    return post(provider.base_url, RESULT, json.dumps({"id": remote_id}).encode(), timeout_s=timeout_s)


def await_true(condition: Callable[[], object], *, within_s: float = 5.0) -> None:
    """Return as soon as the condition holds; fail when it does not within the time."""
    deadline_s = monotonic() + within_s
    while not condition():
        assert monotonic() < deadline_s, "the condition never came true"
        Event().wait(0.002)
