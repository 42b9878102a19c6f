"""Fixtures: scripted servers, and clients that are closed again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

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


@pytest.fixture
def http() -> Iterator[ThreadedHttp]:
    """Return a client with four places."""
    client = ThreadedHttp(4)
    yield client
    client.close()
