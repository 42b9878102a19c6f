"""The fast HTTP client: libcurl's multi interface behind the port `wire.Http`, for requests to the provider.

One thread carries everything: requests leave when they are sent or collected. Only a body that libcurl has asked for
can have left, and it is handed out once; so a request whose body was not asked for was surely not sent, and libcurl
never sends one again by itself.
"""

import os
import re
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from time import monotonic

import certifi
import pycurl

from batchctl import __version__
from batchctl.domain.wire import Landed, Lost, LostKind, NotSent, NotSentKind, Outcome, Reply, Request
from batchctl.failpoint import Failpoint, reach

KEEP_ALIVE_S = 2
"""As in transport.py: a connection idle for longer is not used again."""
MAX_HEAD_BYTES = 64 * 1024
"""As in network.py."""
IDLE_DRIVE_S = 0.1
"""While the owner is busy with something else (a database that is away), what flies is driven this often."""
LONGEST_WAIT_S = 0.05
"""How long a look for events lasts at most, as another thread may have driven what it waits for."""

_HEADERS = ("Accept-Encoding: identity", "Expect:", "Content-Type:")
"""What libcurl would send otherwise; one without a value is left out, unless the request has its own."""
_TLS = (pycurl.E_SSL_CONNECT_ERROR, pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT_BADFILE)
_OF_CERTIFICATE = re.compile("(?:SSL certificate problem|SSL certificate OpenSSL verify result): ([a-z -]+)")
"""How libcurl tells what OpenSSL found wrong with a certificate: a sentence of OpenSSL's own."""


class CurlHttp:
    """Carries up to `places` requests at once in the caller's own thread (see `wire.Http`).

    To be used by one thread, for requests that may go to any address: those that are `public_only` need name look-ups
    of our own, and are refused. A place is free again when its outcome has been collected.
    """

    name = "curl"

    def __init__(self, places: int, *, ca_file: str | None = None) -> None:
        """Start nothing; `ca_file` replaces the trusted authorities (PEM)."""
        self._places = places
        self._ca_file = ca_file or certifi.where()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, places)
        self._idle: list[pycurl.Curl] = []
        self._flying: dict[pycurl.Curl, _Exchange] = {}
        self._landed: SimpleQueue[Landed] = SimpleQueue()
        self._in_flight = 0
        self._driving = Lock()
        self._driven_at_s = 0.0
        self._closing = Event()
        self._keeper: Thread | None = None

    @property
    def places(self) -> int:
        """How many requests may be in flight at once."""
        return self._places

    def send(self, requests: Sequence[Request]) -> None:
        """Put requests in flight; ValueError when there are more than free places, or one that is `public_only`."""
        if len(requests) > self._places - self._in_flight:
            message = f"{len(requests)} requests, but only {self._places - self._in_flight} places are free"
            raise ValueError(message)
        if any(request.public_only for request in requests):
            raise ValueError("requests that may only go to public addresses are carried by ThreadedHttp")
        self._in_flight += len(requests)
        with self._driving:
            for request in requests:
                self._start(request)
            self._drive()
        if requests:
            reach(Failpoint.HTTP_AFTER_SEND)
        if self._keeper is None and requests:
            self._keeper = Thread(target=self._keep_driving, name="batchctl-curl", daemon=True)
            self._keeper.start()

    def collect(self, wait_s: float) -> list[Landed]:
        """Return what has landed; wait up to `wait_s` seconds for the first one, and not at all if nothing flies."""
        end_s = monotonic() + wait_s
        landed: list[Landed] = []
        while self._in_flight:
            with self._driving:
                self._drive()
            while len(landed) < self._in_flight:
                try:
                    landed.append(self._landed.get_nowait())
                except Empty:
                    break
            left_s = end_s - monotonic()
            if landed or left_s <= 0:
                break
            with self._driving:
                self._multi.select(min(left_s, LONGEST_WAIT_S))
        self._in_flight -= len(landed)
        return landed

    def close(self) -> None:
        """Close all connections; what is in flight is abandoned."""
        self._closing.set()
        with self._driving:
            for handle in self._flying:
                self._multi.remove_handle(handle)
                handle.close()
            for handle in self._idle:
                handle.close()
            self._flying.clear()
            self._idle.clear()
            self._multi.close()
            self._multi = pycurl.CurlMulti()
            self._multi.setopt(pycurl.M_MAXCONNECTS, self._places)
            self._landed = SimpleQueue()
        self._in_flight = 0
        self._keeper = None
        self._closing = Event()

    def _start(self, request: Request) -> None:
        handle = self._idle.pop() if self._idle else self._new_handle()
        exchange = _Exchange(request)
        try:
            exchange.prepare(handle)
        except (pycurl.error, UnicodeError, ValueError) as error:
            self._idle.append(handle)
            detail = f"the request cannot be sent: {type(error).__name__}"
            self._landed.put(exchange.landed(NotSent(kind=NotSentKind.BAD_URL, detail=detail)))
            return
        self._flying[handle] = exchange
        self._multi.add_handle(handle)

    def _new_handle(self) -> pycurl.Curl:
        handle = pycurl.Curl()
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.POST, 1)
        handle.setopt(pycurl.PATH_AS_IS, 1)
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        handle.setopt(pycurl.PROXY, "")
        handle.setopt(pycurl.USERAGENT, f"batchctl/{__version__}")
        handle.setopt(pycurl.MAXAGE_CONN, KEEP_ALIVE_S)
        handle.setopt(pycurl.CAINFO, self._ca_file)
        handle.setopt(pycurl.HTTP_CONTENT_DECODING, 0)
        return handle

    def _drive(self) -> None:
        """Let everything that flies take its next step, and note what has landed; the lock is held."""
        if not self._flying:
            return
        self._multi.perform()
        is_more = True
        while is_more:
            queued, done, failed = self._multi.info_read()
            for handle in done:
                self._end(handle, pycurl.E_OK, "")
            for handle, code, message in failed:
                self._end(handle, code, message)
            is_more = queued > 0
        self._driven_at_s = monotonic()

    def _end(self, handle: pycurl.Curl, code: int, message: str) -> None:
        exchange = self._flying.pop(handle)
        self._landed.put(exchange.landed(exchange.outcome(handle, code, message)))
        self._multi.remove_handle(handle)
        self._idle.append(handle)

    def _keep_driving(self) -> None:
        """Drive while the owner does not, so that no answer is missed because its deadline passed unlooked at."""
        closing = self._closing
        while not closing.wait(IDLE_DRIVE_S):
            if monotonic() - self._driven_at_s >= IDLE_DRIVE_S and self._driving.acquire(blocking=False):
                try:
                    if not closing.is_set():
                        self._drive()
                finally:
                    self._driving.release()


class _Exchange:
    """One request on its way: what of it was handed out, and what of its answer came."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._unsent = memoryview(request.body)
        self._sent = not request.body
        self._head_bytes = 0
        self._head_is_whole = self._is_interim = False
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._truncated = False
        self._started_s = monotonic()

    def prepare(self, handle: pycurl.Curl) -> None:
        """Set up a handle; raises what pycurl raises for what cannot be written, ValueError for split headers."""
        request = self._request
        headers = [f"{name}: {value}" for name, value in request.headers.items()]
        if not all(header.isascii() and header.isprintable() for header in headers):
            raise ValueError("a header holds what no header may hold")
        handle.setopt(pycurl.URL, request.url)
        handle.setopt(pycurl.HTTPHEADER, [*_HEADERS, *headers])
        handle.setopt(pycurl.POSTFIELDSIZE, len(request.body))
        handle.setopt(pycurl.READFUNCTION, self._read)
        handle.setopt(pycurl.HEADERFUNCTION, self._take_header)
        handle.setopt(pycurl.WRITEFUNCTION, self._take)
        handle.setopt(pycurl.TIMEOUT_MS, request.timeout_ms)
        handle.setopt(pycurl.CONNECTTIMEOUT_MS, request.timeout_ms)
        handle.setopt(pycurl.FRESH_CONNECT, int(request.only_once))

    def landed(self, outcome: Outcome) -> Landed:
        """Return an outcome as the port gives it."""
        return Landed(key=self._request.key, outcome=outcome, duration_ms=round((monotonic() - self._started_s) * 1000))

    def outcome(self, handle: pycurl.Curl, code: int, message: str) -> Outcome:
        """Judge how the exchange ended: libcurl's code, and what it says of it."""
        if self._truncated or (code == pycurl.E_OK and self._head_is_whole):
            return Reply(
                status=handle.getinfo(pycurl.RESPONSE_CODE),
                headers=self._headers,
                body=bytes(self._body),
                truncated=self._truncated,
            )
        return self._lost(code) if self._sent else self._not_sent(handle, code, message)

    def _lost(self, code: int) -> Lost:
        match code:
            case pycurl.E_OPERATION_TIMEDOUT:
                detail = f"no complete answer within {self._request.timeout_ms} ms"
                return Lost(kind=LostKind.TIMEOUT, detail=detail)
            case pycurl.E_SEND_ERROR | pycurl.E_RECV_ERROR:
                detail = "the connection was reset"
            case _ if self._head_bytes > MAX_HEAD_BYTES:
                detail = "the answer's headers do not end"
            case _:
                detail = "the connection was closed early, or the answer is not HTTP"
        return Lost(kind=LostKind.RESET, detail=detail)

    def _not_sent(self, handle: pycurl.Curl, code: int, message: str) -> NotSent:
        """Say why no connection came about; nothing that the other side sent is quoted."""
        if code == pycurl.E_OPERATION_TIMEDOUT:
            what = "the TLS handshake" if handle.getinfo(pycurl.CONNECT_TIME) else "the connection"
            return NotSent(kind=NotSentKind.CONNECT_TIMEOUT, detail=f"{what} timed out")
        if code == pycurl.E_COULDNT_RESOLVE_HOST:
            return NotSent(kind=NotSentKind.DNS, detail="the name look-up failed")
        if code == pycurl.E_COULDNT_CONNECT:
            reason = os.strerror(handle.getinfo(pycurl.OS_ERRNO))
            return NotSent(kind=NotSentKind.REFUSED, detail=f"connecting failed: {reason}")
        if code in _TLS:
            found = _OF_CERTIFICATE.match(message)
            reason = found[1].strip() if found else "the handshake failed, or the certificate is for another name"
            return NotSent(kind=NotSentKind.TLS, detail=f"TLS: {reason}")
        return NotSent(kind=NotSentKind.BAD_URL, detail=f"the request cannot be sent: libcurl's error {code}")

    def _read(self, size: int) -> bytes:
        self._sent = True
        chunk, self._unsent = self._unsent[:size], self._unsent[size:]
        return bytes(chunk)

    def _take_header(self, line: bytes) -> int | None:
        reach(Failpoint.HTTP_ANSWER_BEGUN)
        self._head_bytes += len(line)
        if self._head_bytes > MAX_HEAD_BYTES:
            return 0
        if self._head_is_whole:
            return None  # A trailer, behind the body: it says nothing that counts, and ends without an empty line.
        if line.startswith(b"HTTP/"):
            self._headers.clear()  # Those of an interim answer.
            self._is_interim = line.partition(b" ")[2].startswith(b"1")
        self._head_is_whole = line in {b"\r\n", b"\n"} and not self._is_interim
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            self._headers.setdefault(name.lower(), value.strip())
        return None

    def _take(self, data: bytes) -> int | None:
        room = self._request.max_bytes - len(self._body)
        self._body += data[:room]
        if len(data) <= room:
            return None
        self._truncated = True
        return 0
