"""A client that carries requests one after another in the caller's own thread, so that trials run alike each time."""

import socket
from collections.abc import Sequence
from time import monotonic

from batchctl.domain.wire import Landed, Request
from batchctl.gateways.network import Dial, tls_context
from batchctl.gateways.resolver import Resolve, Resolver
from batchctl.gateways.transport import Carrier


class SerialHttp:
    """Implements `wire.Http` over the real transport; requests leave when they are collected, in their order."""

    def __init__(
        self,
        places: int,
        *,
        resolve: Resolve | None = None,
        dial: Dial = socket.create_connection,
        ca_file: str | None = None,
    ) -> None:
        """Connect nowhere yet; see `ThreadedHttp` and `Carrier` for what may be replaced."""
        self._carrier = Carrier(tls=tls_context(ca_file), resolve=resolve or Resolver(), dial=dial)
        self._places = places
        self._waiting: list[Request] = []

    name = "httpx"

    @property
    def places(self) -> int:
        """How many requests may be in flight at once."""
        return self._places

    def send(self, requests: Sequence[Request]) -> None:
        """Put requests in flight; ValueError when there are more than free places."""
        if len(requests) > self._places - len(self._waiting):
            message = "more requests than free places"
            raise ValueError(message)
        self._waiting += requests

    def collect(self, wait_s: float) -> list[Landed]:
        """Carry all that is in flight and return what became of it, however long that takes."""
        del wait_s
        landed: list[Landed] = []
        while self._waiting:
            request = self._waiting.pop(0)
            started_s = monotonic()
            outcome = self._carrier.carry(request)
            landed.append(Landed(key=request.key, outcome=outcome, duration_ms=round((monotonic() - started_s) * 1000)))
        return landed

    def close(self) -> None:
        """Close all connections; requests still in flight are abandoned."""
        self._waiting.clear()
        self._carrier.close()
