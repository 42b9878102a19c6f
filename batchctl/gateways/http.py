"""The program's one HTTP client: httpx in a bounded number of daemon threads, behind the port `wire.Http`."""

from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from batchctl.domain.wire import Landed, Request
from batchctl.gateways.ours import Addresses
from batchctl.gateways.resolver import Resolve, Resolver

if TYPE_CHECKING:
    from batchctl.gateways.transport import Carrier


class ThreadedHttp:
    """Carries up to `places` requests at once, each in a thread (see `wire.Http`).

    To be used by one thread. A place is free again when its outcome has been collected. Threads start when they are
    first needed, and so does the import of httpx: a pass without requests pays for neither. They are daemons, so an
    exchange that hangs keeps no process alive.
    """

    name = "httpx"

    def __init__(
        self,
        places: int,
        *,
        resolve: Resolve | None = None,
        ca_file: str | None = None,
        ours: Addresses = tuple,
    ) -> None:
        """Start nothing.

        `resolve` replaces the system's resolver (tests); `ca_file` replaces the trusted authorities (PEM); `ours` are
        addresses that guarded requests must not reach, besides those that are not public. It is asked by threads.
        """
        self._places = places
        self._resolve = resolve or Resolver()
        self._ca_file = ca_file
        self._ours = ours
        self._in_flight = 0
        self._threads: list[Thread] = []
        self._requests: SimpleQueue[Request | None] = SimpleQueue()
        self._landed: SimpleQueue[Landed] = SimpleQueue()

    @property
    def places(self) -> int:
        """How many requests may be in flight at once."""
        return self._places

    def send(self, requests: Sequence[Request]) -> None:
        """Put requests in flight; ValueError when there are more than free places."""
        if len(requests) > self._places - self._in_flight:
            message = f"{len(requests)} requests, but only {self._places - self._in_flight} places are free"
            raise ValueError(message)
        self._start_threads(self._in_flight + len(requests))
        self._in_flight += len(requests)
        for request in requests:
            self._requests.put(request)

    def collect(self, wait_s: float) -> list[Landed]:
        """Return what has landed; wait up to `wait_s` seconds for the first one, and not at all if nothing flies."""
        landed: list[Landed] = []
        try:
            if self._in_flight:
                landed.append(self._landed.get(timeout=max(wait_s, 0.0)))
            while len(landed) < self._in_flight:
                landed.append(self._landed.get_nowait())
        except Empty:
            pass
        self._in_flight -= len(landed)
        return landed

    def close(self) -> None:
        """Let the threads end and close their connections, each when its exchange is over; waits for none."""
        for _ in self._threads:
            self._requests.put(None)
        self._threads.clear()
        self._in_flight = 0
        # Late outcomes go to queues that nobody reads; a client that is used again starts afresh.
        self._requests, self._landed = SimpleQueue(), SimpleQueue()

    def _start_threads(self, needed: int) -> None:
        missing = needed - len(self._threads)
        if missing <= 0:
            return
        # Imported here, and not in the threads, because two threads that import one package may see half of it.
        from batchctl.gateways.network import tls_context  # noqa: PLC0415 - see the class: idle passes never pay
        from batchctl.gateways.transport import Carrier  # noqa: PLC0415 - see the class: idle passes never pay

        tls = tls_context(self._ca_file)
        for _ in range(missing):
            carrier = Carrier(tls=tls, resolve=self._resolve, ours=self._ours)
            work = (carrier, self._requests, self._landed)
            thread = Thread(target=_work, args=work, name=f"batchctl-http-{len(self._threads)}", daemon=True)
            thread.start()
            self._threads.append(thread)


def _work(carrier: "Carrier", requests: SimpleQueue[Request | None], landed: SimpleQueue[Landed]) -> None:
    """Carry requests until told to end."""
    while (request := requests.get()) is not None:
        started = monotonic()
        outcome = carrier.carry(request)
        duration_ms = round((monotonic() - started) * 1000)
        landed.put(Landed(key=request.key, outcome=outcome, duration_ms=duration_ms))
    carrier.close()
