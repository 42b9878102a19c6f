"""Shorthand of the tests: build a request, carry it, give back what became of it."""

from collections.abc import Callable, Sequence
from time import monotonic

from batchctl.domain.wire import Http, Landed, Outcome, Request
from batchctl.gateways.resolver import Resolve

SECRET = "s3cr3t-of-ours"
"""A mark to look for in what must not show it."""
TIMEOUT_MS = 200
PATIENCE_S = 5.0
"""What a test waits at most for something that must happen long before."""


def post(
    url: str,
    *,
    key: int = 1,
    timeout_ms: int = 5000,
    max_bytes: int = 1024,
    public_only: bool = False,
    only_once: bool = False,
    headers: dict[str, str] | None = None,
    body: bytes = SECRET.encode(),
) -> Request:
    """Build a request that holds the secret mark in its headers and, by default, in its body."""
    marked = {"authorization": f"Bearer {SECRET}"} | (headers or {})
    return Request(
        key=key,
        url=url,
        headers=marked,
        body=body,
        timeout_ms=timeout_ms,
        max_bytes=max_bytes,
        public_only=public_only,
        only_once=only_once,
    )


def land(http: Http, *requests: Request) -> list[Landed]:
    """Carry requests and return all that landed, in the order of their keys."""
    http.send(requests)
    landed: list[Landed] = []
    end = monotonic() + PATIENCE_S
    while len(landed) < len(requests) and monotonic() < end:
        landed += http.collect(0.5)
    assert len(landed) == len(requests), "a request did not land"
    return sorted(landed, key=lambda one: one.key)


def carry(http: Http, request: Request) -> Outcome:
    """Carry one request to its outcome."""
    return land(http, request)[0].outcome


def resolving(*addresses: str) -> Resolve:
    """Return a resolver that gives every name these addresses."""

    def resolve(_host: str, _port: int, _timeout_s: float) -> Sequence[str]:
        return addresses

    return resolve


def failing(make: Callable[[], Exception]) -> Resolve:
    """Return a resolver that raises for every name."""

    def resolve(_host: str, _port: int, _timeout_s: float) -> Sequence[str]:
        raise make()

    return resolve
