"""The webhook receiver: records and verifies what customers would receive, and answers as scripted.

From Python, `Receiver.script` says what a path answers. Where only the URL can be chosen, its query says it:
`/hook?sim=503&times=2&retry_after=1&latency=0.2` meets the fault `503` (the words of `faults.fault_named`) on the first
two requests, each answered after 0.2 s.
"""

import base64
import hashlib
import hmac
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from ssl import SSLContext
from typing import Self
from urllib.parse import parse_qs, urlsplit

from batchctl.simulator.answer import Answer
from batchctl.simulator.faults import Fault, apply_fault, fault_named
from batchctl.simulator.journal import Check, Received, ReceiverJournal
from batchctl.simulator.server import HttpServer, Request

_OK = Answer(body=b'{"ok":true}')
ANY_PATH = "*"
"""Stands for every path that is not scripted by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turns:
    """The answers of the first requests to a path, and that of all further ones."""

    first: tuple[Fault, ...]
    then: Fault

    def of(self, number: int) -> Fault:
        """Return the answer of the number-th request, counted from 1."""
        return self.first[number - 1] if number <= len(self.first) else self.then


class Receiver:
    """A receiver as a context manager. Everything is answered 200 unless scripted otherwise."""

    def __init__(
        self,
        *,
        secret: str | None = None,
        journal: Path | None = None,
        on_request: Callable[[Request], None] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: SSLContext | None = None,
    ) -> None:
        """Prepare a receiver; with `secret` it verifies both signatures, see `know`. `journal` is appended to.

        `on_request` is called in the server's thread for each request before anything is done about it. `host` may be
        another loopback address, to stand for one that must never be connected to. `tls` is a server's context.
        """
        self.journal = ReceiverJournal(journal)
        self._secrets = () if secret is None else (secret,)
        self._own: dict[str, tuple[str, ...]] = {}
        self._on_request = on_request
        self._lock = threading.Lock()
        self._turns: dict[str, _Turns] = {}
        self._requests: Counter[str] = Counter()
        self._server = HttpServer(self._answer, host=host, port=port, tls=tls)

    @property
    def base_url(self) -> str:
        """`http://host:port` (or `https:`); any path below it is received."""
        return self._server.base_url

    @property
    def connections(self) -> int:
        """How many connections were accepted so far (H2: none at a forbidden address)."""
        return self._server.connections

    def script(self, path: str, *first: Fault, then: Fault = _OK) -> None:
        """Say what the next requests to `path` (or `ANY_PATH`) are answered: `first` in turn, then always `then`."""
        with self._lock:
            self._turns[path] = _Turns(first=first, then=then)
            self._requests.pop(path, None)

    def know(self, path: str, *secrets: str) -> None:
        """Give a path secrets of its own, as a customer's receiver has them: any of them will do, and no other."""
        with self._lock:
            self._own[path] = secrets

    def start(self) -> None:
        """Begin to answer; after a `stop` at the same port."""
        self._server.start()

    def stop(self) -> None:
        """Stop answering: connections are refused from now on."""
        self._server.stop()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and close the journal's file."""
        self.stop()
        self.journal.close()

    def _answer(self, request: Request) -> Answer:
        if self._on_request is not None:
            self._on_request(request)
        with self._lock:
            answer = self._scripted(request.path)
            secrets = self._own.get(request.path, self._secrets)
        self.journal.add(
            Received(
                at_s=request.at_s,
                in_flight=request.in_flight,
                method=request.method,
                path=request.path,
                headers=dict(request.headers),
                body=request.body,
                answer=str(answer),
                acknowledged=HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES and answer.manner.arrives,
                hex_signature=_best(check_hex(secret, request) for secret in secrets or (None,)),
                standard_signature=_best(check_standard(secret, request) for secret in secrets or (None,)),
            )
        )
        return answer

    def _scripted(self, path: str) -> Answer:
        """Count the request and return its answer."""
        turns, name = self._turns.get(path), path
        if turns is None and ANY_PATH in self._turns:
            turns, name = self._turns[ANY_PATH], ANY_PATH
        self._requests[name] += 1
        return apply_fault((turns or _turns_in_query(path)).of(self._requests[name]), _OK)


def _best(checks: Iterable[Check]) -> Check:
    """Return what the first secret that fits says, else what the last one says."""
    found = list(checks)
    return Check.VALID if Check.VALID in found else found[-1]


def _turns_in_query(path: str) -> _Turns:
    """Read the directive in the query, if there is one; what cannot be read is passed over."""
    given = {name: values[-1] for name, values in parse_qs(urlsplit(path).query).items()}
    normal = replace(_OK, latency_s=_number(given.get("latency")) or 0.0)
    try:
        fault = fault_named(given.get("sim", ""), retry_after=given.get("retry_after"))
    except ValueError:
        return _Turns(first=(), then=normal)
    met = replace(apply_fault(fault, normal), latency_s=normal.latency_s)
    times = _number(given.get("times"))
    return _Turns(first=(), then=met) if times is None else _Turns(first=(met,) * int(times), then=normal)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def check_hex(secret: str | None, request: Request) -> Check:
    """Verify x-webhook-signature: lower-case hex HMAC-SHA256 of the body, keyed by the secret's text (contract §5)."""
    given = request.headers.get("x-webhook-signature")
    if secret is None or given is None:
        return Check.UNCHECKED if secret is None else Check.MISSING
    right = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    return Check.VALID if hmac.compare_digest(right.encode(), given.encode()) else Check.WRONG


def check_standard(secret: str | None, request: Request) -> Check:
    """Verify the Standard Webhooks trio: `v1,` + base64 HMAC-SHA256 of `id.timestamp.body` (contract §5).

    The age of the timestamp is not judged; `Received.headers` has it.
    """
    webhook_id, timestamp, given = (
        request.headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    if secret is None:
        return Check.UNCHECKED
    if not (webhook_id and timestamp and given):
        return Check.MISSING
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    signed = f"{webhook_id}.{timestamp}.".encode() + request.body
    right = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    is_right = any(hmac.compare_digest(right, one.encode()) for one in given.split())
    return Check.VALID if timestamp.isdecimal() and is_right else Check.WRONG
