"""Name look-ups that can be given up: the system's resolver knows no deadline, and may hang for half a minute."""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock, Thread

Resolve = Callable[[str, int, float], Sequence[str]]
"""Returns the addresses of (host, port) within so many seconds; raises TimeoutError, or OSError or UnicodeError."""


class Resolver:
    """Looks up each name in a daemon thread of its own, so that a name that hangs holds up no other and no exit.

    Look-ups of a name that is being looked up share its thread: never more threads than names that hang.
    """

    def __init__(self) -> None:
        """Start nothing; threads come with the look-ups."""
        self._lock = Lock()
        self._pending: dict[tuple[str, int], Future[list[str]]] = {}

    def __call__(self, host: str, port: int, timeout_s: float) -> list[str]:
        """Return all addresses of a host, IPv4 and IPv6, in the system's order (see `Resolve`)."""
        return self._look_up(host, port).result(timeout_s)

    def _look_up(self, host: str, port: int) -> Future[list[str]]:
        with self._lock:
            if (host, port) in self._pending:
                return self._pending[host, port]
            pending: Future[list[str]] = Future()
            Thread(target=self._run, args=(host, port, pending), name="batchctl-dns", daemon=True).start()
            self._pending[host, port] = pending
            return pending

    def _run(self, host: str, port: int, pending: Future[list[str]]) -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        except Exception as error:  # noqa: BLE001 - it is raised again where the answer is waited for
            self._forget(host, port)
            pending.set_exception(error)
        else:
            self._forget(host, port)
            pending.set_result(addresses)

    def _forget(self, host: str, port: int) -> None:
        """Let the next look-up ask again; an answer serves only those who waited for it."""
        with self._lock:
            del self._pending[host, port]
