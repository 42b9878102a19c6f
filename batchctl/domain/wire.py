"""What goes over the wire and what comes back, without saying who carries it.

An answer is one of three things, and the difference is money: `Reply` (the other side answered), `NotSent` (the
request surely did not reach it, so it may be sent again) and `Lost` (it may or may not have been acted upon).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One POST. `key` is the sender's own name for it and comes back with the outcome."""

    key: int
    url: str
    headers: Mapping[str, str] = field(repr=False)
    """Never shown: they hold keys."""
    body: bytes = field(repr=False)
    """Never shown: it holds customers' prompts."""
    timeout_ms: int
    """The deadline of the whole exchange, from the name look-up to the last byte of the answer."""
    max_bytes: int
    """At most so much of the answer's body is read; the rest is cut (`Reply.truncated`)."""
    public_only: bool = False
    """Refuse to connect to any address that is not public (customers' webhooks)."""
    only_once: bool = False
    """It cannot be repeated when its answer is lost (submissions): sent over a connection that carried nothing before.
    On a used one the other side may be hanging up at that very moment, and no sign tells whether it read the request.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The other side answered. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False


class NotSentKind(StrEnum):
    """Why a request surely never reached the other side."""

    REFUSED = "refused"
    DNS = "dns"
    TLS = "tls"
    CONNECT_TIMEOUT = "connect_timeout"
    FORBIDDEN_ADDRESS = "forbidden_address"
    BAD_URL = "bad_url"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """The request surely did not reach the other side."""

    kind: NotSentKind
    detail: str


class LostKind(StrEnum):
    """How the answer to a request that was (or may have been) sent went missing."""

    TIMEOUT = "timeout"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The request was sent, wholly or in part, and its answer never came."""

    kind: LostKind
    detail: str


Outcome = Reply | NotSent | Lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """An outcome with the key of its request and the time the exchange took."""

    key: int
    outcome: Outcome
    duration_ms: int


class HttpClient(StrEnum):
    """Which library carries requests to the provider."""

    AUTO = "auto"
    """curl where it is installed, else httpx."""
    HTTPX = "httpx"
    CURL = "curl"


class Http(Protocol):
    """The one port to the network: requests go in at any time, outcomes come back as they arrive.

    It never raises for what the network or the other side does; every such thing is an `Outcome`.
    """

    @property
    def name(self) -> str:
        """The library that carries them."""
        ...

    @property
    def places(self) -> int:
        """How many requests may be in flight at once."""
        ...

    def send(self, requests: Sequence[Request]) -> None:
        """Put requests in flight; never more than there are free places (ValueError otherwise)."""
        ...

    def collect(self, wait_s: float) -> list[Landed]:
        """Return what has landed; wait up to `wait_s` seconds for the first one, and not at all if nothing flies."""
        ...

    def close(self) -> None:
        """Release connections; requests still in flight are abandoned."""
        ...
