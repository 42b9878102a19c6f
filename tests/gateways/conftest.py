"""Fixtures: scripted servers, and clients that are closed again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from batchctl.domain.wire import Http
from batchctl.gateways.curl import CurlHttp
from batchctl.gateways.http import ThreadedHttp

from .scripted import Script, ScriptedServer

Serve = Callable[..., ScriptedServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that starts a scripted server, which is stopped when the test ends."""
    with ExitStack() as servers:

        def start(script: Script, pem: Path | None = None) -> ScriptedServer:
            return servers.enter_context(ScriptedServer(script, pem))

        yield start


@pytest.fixture(params=[ThreadedHttp, CurlHttp], ids=["httpx", "curl"])
def http(request: pytest.FixtureRequest) -> Iterator[Http]:
    """Return a client with four places; what uses it holds for every client."""
    client: Http = request.param(4)
    yield client
    client.close()
