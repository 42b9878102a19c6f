"""One worker's HTTP client: carries one request at a time and says for certain whether it may have arrived.

Importing this module imports httpx, so http.py does it only when there is something to send.
"""

import logging
import socket
from collections.abc import Iterator
from ssl import SSLContext

import httpcore
import httpx

from batchctl import __version__
from batchctl.domain.wire import Lost, LostKind, NotSent, NotSentKind, Outcome, Reply, Request
from batchctl.gateways.network import Backend, Dial, Exchange, HeadTooLongError, NotConnectedError
from batchctl.gateways.ours import Addresses
from batchctl.gateways.resolver import Resolve

KEEP_ALIVE_S = 2.0
"""A connection idle for longer is not used again: a server may have closed it meanwhile, and the answer be lost."""
_MAX_CONNECTIONS = 4
_HEADERS = {"user-agent": f"batchctl/{__version__}", "accept-encoding": "identity"}
_ON_NEW_CONNECTION = "batchctl.on_new_connection"
"""The extension of httpx's requests that carries `Request.only_once` down to the connections."""
_ACTED_UPON = frozenset({b"location", b"set-cookie"})
"""Headers that httpx would act upon: it keeps cookies, and raises for a redirect that it cannot parse."""

for _name in ("httpx", "httpcore"):
    # Their lines hold whole addresses (with a customer's token in them) and whole headers.
    logging.getLogger(_name).setLevel(logging.WARNING)


class Carrier:
    """Carries requests for one thread, guarded and unguarded ones over connections of their own."""

    def __init__(
        self, *, tls: SSLContext, resolve: Resolve, dial: Dial = socket.create_connection, ours: Addresses = tuple
    ) -> None:
        """Connect nowhere yet; guarded requests never connect to `ours` (see `ours.py`)."""
        self._exchange = Exchange()
        self._tls = tls
        self._resolve = resolve
        self._dial = dial
        self._ours = ours
        self._clients: dict[bool, httpx.Client] = {}

    def carry(self, request: Request) -> Outcome:
        """Carry one request to its outcome; never raises for what the network or the other side does."""
        self._exchange.begin(request.timeout_ms)
        try:
            return self._post(request)
        except NotConnectedError as error:
            return NotSent(kind=error.kind, detail=str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the request has one of two fates
            return self._fate(error, request.timeout_ms)

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _post(self, request: Request) -> Reply:
        client = self._client(public_only=request.public_only)
        stream = client.stream(
            "POST",
            request.url,
            headers=request.headers,
            content=request.body,
            extensions={_ON_NEW_CONNECTION: request.only_once},
        )
        with stream as response:
            self._exchange.answered = True
            body, truncated = _read(response, request.max_bytes)
        headers: dict[str, str] = {}
        for name, value in response.headers.raw:
            headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
        return Reply(status=response.status_code, headers=headers, body=body, truncated=truncated)

    def _fate(self, error: Exception, timeout_ms: int) -> NotSent | Lost:
        """Judge an error by one fact: whether a byte of the request had been handed to a connection."""
        late = isinstance(error, TimeoutError)
        if not self._exchange.sent and late:
            return NotSent(kind=NotSentKind.CONNECT_TIMEOUT, detail=f"no connection within {timeout_ms} ms")
        if not self._exchange.sent:
            detail = f"the request cannot be sent: {type(error).__name__}"
            return NotSent(kind=NotSentKind.BAD_URL, detail=detail)
        if late:
            return Lost(kind=LostKind.TIMEOUT, detail=f"no complete answer within {timeout_ms} ms")
        return Lost(kind=LostKind.RESET, detail=_lost_detail(error))

    def _client(self, *, public_only: bool) -> httpx.Client:
        if public_only not in self._clients:
            backend = Backend(self._exchange, self._resolve, self._dial, self._ours, public_only=public_only)
            self._clients[public_only] = httpx.Client(
                transport=_PoolTransport(backend, self._tls),
                trust_env=False,
                follow_redirects=False,
                timeout=None,  # noqa: S113 - the backend keeps the time
                headers=_HEADERS,
            )
        return self._clients[public_only]


class _PoolTransport(httpx.BaseTransport):
    """httpx's messages over httpcore's connections, with our own network beneath."""

    def __init__(self, backend: Backend, tls: SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=_MAX_CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its answer as soon as the headers are complete."""
        url = request.url
        if request.extensions.get(_ON_NEW_CONNECTION):
            self._pool.close()  # The worker's other connections are idle, for it carries one request at a time.
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.content,
            )
        )
        headers = [(name, value) for name, value in answer.headers if name.lower() not in _ACTED_UPON]
        return httpx.Response(answer.status, headers=headers, stream=_Body(answer))

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer of httpcore."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        """Give the connection back, or close it when the body was not read to its end."""
        self._answer.close()


def _read(response: httpx.Response, max_bytes: int) -> tuple[bytes, bool]:
    """Read the body as it was sent, compressed or not, up to `max_bytes`; say whether there was more."""
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > max_bytes:
            return bytes(body[:max_bytes]), True
    return bytes(body), False


def _lost_detail(error: Exception) -> str:
    match error:
        case HeadTooLongError():
            return "the answer's headers do not end"
        case httpcore.RemoteProtocolError():
            return "the connection was closed early, or the answer is not HTTP"
        case OSError():
            return "the connection was reset"
        case _:
            return f"unexpected {type(error).__name__}"
