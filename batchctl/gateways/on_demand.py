"""A client that is built when the first request is sent, so that an idle pass never loads its library."""

from collections.abc import Callable, Sequence

from batchctl.domain.wire import Http, Landed, Request


class OnDemandHttp:
    """Stands for a client until there is something to send (see `wire.Http`)."""

    def __init__(self, name: str, places: int, make: Callable[[], Http]) -> None:
        """Make nothing yet."""
        self.name = name
        self.places = places
        self._make = make
        self._made: Http | None = None

    def send(self, requests: Sequence[Request]) -> None:
        """Put requests in flight; ValueError when there are more than free places."""
        if self._made is None and requests:
            self._made = self._make()
        if self._made is not None:
            self._made.send(requests)

    def collect(self, wait_s: float) -> list[Landed]:
        """Return what has landed; wait up to `wait_s` seconds for the first one, and not at all if nothing flies."""
        return [] if self._made is None else self._made.collect(wait_s)

    def close(self) -> None:
        """Release connections; requests still in flight are abandoned."""
        if self._made is not None:
            self._made.close()
