"""The bottom of the HTTP client: connections with one total deadline, made only to addresses that were checked."""

import select
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from time import monotonic
from typing import Any

import certifi
import httpcore

from batchctl.domain.wire import NotSentKind
from batchctl.failpoint import Failpoint, reach
from batchctl.gateways.guard import check_addresses
from batchctl.gateways.ours import Addresses, check_not_ours
from batchctl.gateways.resolver import Resolve

MAX_HEAD_BYTES = 64 * 1024
"""No read begins once so many bytes have come and the answer's headers are still not complete."""

_PORTS = range(1, 65536)

Dial = Callable[[tuple[str, int], float], socket.socket]
"""Connects to (address, port) within so many seconds, as `socket.create_connection` does."""


class HeadTooLongError(Exception):
    """The answer's headers do not end."""


class NotConnectedError(Exception):
    """No connection came about, so nothing was sent; the message says why."""

    def __init__(self, kind: NotSentKind, message: str) -> None:
        """Keep the kind for the outcome."""
        super().__init__(message)
        self.kind = kind


@dataclass(slots=True)
class Exchange:
    """The one exchange that a worker is busy with; its connections, old and new, obey it."""

    deadline: float = 0.0
    """In seconds of the monotonic clock."""
    sent: bool = False
    """Whether a byte of the request may have left: from then on its fate is no longer sure."""
    answered: bool = False
    """Whether the answer's headers are complete."""
    head_bytes: int = 0

    def begin(self, timeout_ms: int) -> None:
        """Start over for the next request."""
        self.deadline = monotonic() + timeout_ms / 1000
        self.sent = self.answered = False
        self.head_bytes = 0

    def remaining_s(self) -> float:
        """Return the time that is left; TimeoutError when there is none."""
        remaining_s = self.deadline - monotonic()
        if remaining_s <= 0:
            raise TimeoutError
        return remaining_s


class _TlsContext(ssl.SSLContext):
    """A context that threads may share: httpcore sets ALPN before each handshake, and OpenSSL frees the old value."""

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        """Change nothing: another thread may be reading the value, which is set once and right."""


@cache
def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return the context that verifies host names and certificates, by default with certifi's authorities.

    `ca_file` is a PEM file of others. Reading the authorities takes about 20 ms, once per process. When the file cannot
    be read nobody is trusted: then each request ends unsent and says so, while an error here would leave tasks that are
    claimed already in doubt.
    """
    context = _TlsContext(ssl.PROTOCOL_TLS_CLIENT)
    ssl.SSLContext.set_alpn_protocols(context, ["http/1.1"])
    with suppress(OSError):
        context.load_verify_locations(ca_file or certifi.where())
    return context


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose every step gets what is left of the exchange's time, whatever timeout it is called with."""

    def __init__(self, connection: socket.socket, exchange: Exchange) -> None:
        """Take over a connected socket."""
        self._socket = connection
        self._exchange = exchange
        self._unsent = b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline rules
        """Keep the bytes for the next read, which sends them: so headers and body leave together, in one packet."""
        self._unsent += buffer

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline rules
        """Send what was written and read what is there; HeadTooLongError when headers go on for ever."""
        if self._unsent:
            self._send()
            reach(Failpoint.HTTP_AFTER_SEND, self._socket)
        if not self._exchange.answered:
            # Never more at once than the head may still have: the parser's own limit would say something else.
            max_bytes = min(max_bytes, MAX_HEAD_BYTES - self._exchange.head_bytes)
        if max_bytes <= 0:
            raise HeadTooLongError
        self._socket.settimeout(self._exchange.remaining_s())
        data = self._socket.recv(max_bytes)
        self._exchange.head_bytes += len(data)
        reach(Failpoint.HTTP_ANSWER_BEGUN, self._socket)
        return data

    def _send(self) -> None:
        rest, self._unsent = memoryview(self._unsent), b""
        while rest:
            self._socket.settimeout(self._exchange.remaining_s())
            self._exchange.sent = True
            try:
                rest = rest[self._socket.send(rest) :]
            except OSError:
                return  # The read finds out: a server may have answered before it hung up, or the time is up.

    def close(self) -> None:
        """Close the connection at once."""
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline rules
    ) -> httpcore.NetworkStream:
        """Shake hands; NotConnectedError when that fails, for then nothing of the request was sent."""
        try:
            self._socket.settimeout(self._exchange.remaining_s())
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except TimeoutError as error:
            self._socket.close()
            raise NotConnectedError(NotSentKind.CONNECT_TIMEOUT, "the TLS handshake timed out") from error
        except (OSError, ValueError) as error:
            self._socket.close()
            raise NotConnectedError(NotSentKind.TLS, f"TLS: {_reason(error)}") from error
        return DeadlineStream(secured, self._exchange)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's own signature
        """Answer what httpcore asks: whether TLS is on, and whether an idle connection was closed by the server."""
        if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket):
            return self._socket
        if info == "is_readable":
            readable = select.poll()
            readable.register(self._socket, select.POLLIN)
            return bool(readable.poll(0))
        return None


class Backend(httpcore.NetworkBackend):
    """Looks a name up once, checks all its addresses if asked to, and connects to exactly those."""

    def __init__(self, exchange: Exchange, resolve: Resolve, dial: Dial, ours: Addresses, *, public_only: bool) -> None:
        """Connect through `dial`, which is only ever given addresses; with `public_only` to none of `ours`."""
        self._exchange = exchange
        self._resolve = resolve
        self._dial = dial
        self._ours = ours
        self._public_only = public_only

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline rules
        local_address: str | None = None,  # noqa: ARG002 - never used by our pools
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - never used by our pools
    ) -> httpcore.NetworkStream:
        """Connect to the first address that takes us, each getting its share of the time that is left."""
        if port not in _PORTS:  # The system would silently use its lower 16 bits.
            raise NotConnectedError(NotSentKind.BAD_URL, f"port {port} does not exist")
        reach(Failpoint.HTTP_BEFORE_CONNECT)
        self._check(host, ())
        addresses = self._addresses(host, port)
        self._check(host, addresses)
        failure = NotConnectedError(NotSentKind.DNS, "the name has no address")
        for tried, address in enumerate(addresses):
            try:
                share_s = self._exchange.remaining_s() / (len(addresses) - tried)
                connection = self._dial((address, port), share_s)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except TimeoutError:
                failure = NotConnectedError(NotSentKind.CONNECT_TIMEOUT, "the connection timed out")
            except OSError as error:
                failure = NotConnectedError(NotSentKind.REFUSED, f"connecting failed: {_reason(error)}")
            else:
                return DeadlineStream(connection, self._exchange)
        raise failure

    def _check(self, host: str, addresses: Sequence[str]) -> None:
        """Raise NotConnectedError for a name, or an address among its own, that customers' webhooks must not reach."""
        if self._public_only:
            refusal = check_addresses(host, addresses) or check_not_ours(host, addresses, self._ours())
            if refusal is not None:
                raise NotConnectedError(NotSentKind.FORBIDDEN_ADDRESS, refusal)

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass  # A name, to be looked up.
        try:
            return self._resolve(host, port, self._exchange.remaining_s())
        except TimeoutError as error:
            raise NotConnectedError(NotSentKind.DNS, "the name look-up timed out") from error
        except (OSError, UnicodeError) as error:
            raise NotConnectedError(NotSentKind.DNS, f"the name look-up failed: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Say in a few words what the system or OpenSSL gave as the reason; never quotes what the other side sent."""
    match error:
        case ssl.SSLCertVerificationError(verify_message=str(message)):
            return message
        case ssl.SSLError(reason=str(message)) | OSError(strerror=str(message)):
            return message
        case _:
            return type(error).__name__
