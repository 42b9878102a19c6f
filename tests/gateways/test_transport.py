"""The carrier below the threads: to which addresses it dials, how it shares out its time, and when it asks again."""

import socket
from contextlib import closing

import pytest

from batchctl.domain.wire import NotSent, NotSentKind, Reply
from batchctl.gateways.network import tls_context
from batchctl.gateways.resolver import Resolve
from batchctl.gateways.transport import Carrier

from .conftest import Serve
from .exchanges import post, resolving
from .scripted import TRUSTED_PEM, ScriptedServer, answer, answering, answering_once

PUBLIC = "93.184.215.14"
PUBLIC_V6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


class Dialer:
    """Notes to which address it was sent and goes to loopback instead, or fails as told."""

    def __init__(self, server: ScriptedServer, failures: dict[str, OSError] | None = None) -> None:
        """Fail for the addresses in `failures`."""
        self._server = server
        self._failures = failures or {}
        self.dialled: list[tuple[str, int]] = []
        self.shares_s: list[float] = []

    def __call__(self, address: tuple[str, int], timeout_s: float) -> socket.socket:
        """Connect."""
        self.dialled.append(address)
        self.shares_s.append(timeout_s)
        if address[0] in self._failures:
            raise self._failures[address[0]]
        return socket.create_connection(("127.0.0.1", self._server.port), timeout_s)


class Rebinding:
    """A resolver whose answer is another one each time."""

    def __init__(self, *answers: str) -> None:
        """Give these addresses, one a look-up."""
        self._answers = iter(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, _port: int, _timeout_s: float) -> list[str]:
        """Look up."""
        self.asked.append(host)
        return [next(self._answers)]


def carrier_to(dial: Dialer, resolve: Resolve) -> Carrier:
    """Build a carrier that trusts the tests' authority."""
    return Carrier(tls=tls_context(str(TRUSTED_PEM)), resolve=resolve, dial=dial)


@pytest.fixture
def server(serve: Serve) -> ScriptedServer:
    """Return a server that answers everything."""
    return serve(answering(answer()))


def test_guarded_request_goes_to_the_checked_address_under_its_own_name(serve: Serve) -> None:
    """The name is looked up once; the connection goes to that very address, Host and SNI keep the name."""
    server = serve(answering(answer()), TRUSTED_PEM)
    dial, resolve = Dialer(server), Rebinding(PUBLIC)
    with closing(carrier_to(dial, resolve)) as carrier:
        outcome = carrier.carry(post(server.url(host="hooks.example.test"), public_only=True))
    assert isinstance(outcome, Reply)
    assert resolve.asked == ["hooks.example.test"]
    assert dial.dialled == [(PUBLIC, server.port)]
    assert server.names == ["hooks.example.test"]
    assert server.requests[0].headers["host"] == f"hooks.example.test:{server.port}"


def test_rebinding_is_caught_at_the_next_connection(serve: Serve) -> None:
    """A name that was public a moment ago is checked again, and its new address is not dialled."""
    server = serve(answering_once(answer(headers="Connection: close\r\n")))
    dial, resolve = Dialer(server), Rebinding(PUBLIC, "127.0.0.1")
    request = post(server.url(host="rebinds.example.test"), public_only=True)
    with closing(carrier_to(dial, resolve)) as carrier:
        outcomes = [carrier.carry(request), carrier.carry(request)]
    assert isinstance(outcomes[0], Reply)
    assert isinstance(outcomes[1], NotSent)
    assert outcomes[1].kind is NotSentKind.FORBIDDEN_ADDRESS
    assert dial.dialled == [(PUBLIC, server.port)]


def test_local_name_is_refused_whatever_it_resolves_to(server: ScriptedServer) -> None:
    """A name of this network is no public name, even when somebody gives it a public address."""
    dial = Dialer(server)
    with closing(carrier_to(dial, resolving(PUBLIC))) as carrier:
        outcome = carrier.carry(post("http://metadata.google.internal/", public_only=True))
    assert isinstance(outcome, NotSent)
    assert outcome.kind is NotSentKind.FORBIDDEN_ADDRESS
    assert dial.dialled == []


def test_next_address_is_tried_when_one_fails(server: ScriptedServer) -> None:
    """A dead address costs its share of the time and not the exchange."""
    failures = {PUBLIC_V6: OSError(101, "Network is unreachable"), "192.0.2.1": TimeoutError()}
    dial = Dialer(server, failures)
    with closing(carrier_to(dial, resolving(PUBLIC_V6, "192.0.2.1", PUBLIC))) as carrier:
        outcome = carrier.carry(post("http://three.example.test/", timeout_ms=3000))
    assert isinstance(outcome, Reply)
    assert [address for address, _ in dial.dialled] == [PUBLIC_V6, "192.0.2.1", PUBLIC]
    first_s, second_s, third_s = dial.shares_s
    assert 0.5 < first_s <= 1.0 < second_s <= 1.5 < third_s <= 3.0


@pytest.mark.parametrize(
    ("failure", "kind", "detail"),
    [
        (TimeoutError(), NotSentKind.CONNECT_TIMEOUT, "the connection timed out"),
        (OSError(113, "No route to host"), NotSentKind.REFUSED, "connecting failed: No route to host"),
        (OSError(24, "Too many open files"), NotSentKind.REFUSED, "connecting failed: Too many open files"),
    ],
)
def test_failed_connection_was_surely_not_sent(
    server: ScriptedServer, failure: OSError, kind: NotSentKind, detail: str
) -> None:
    """Whatever keeps the last address from being reached, nothing was sent."""
    with closing(carrier_to(Dialer(server, {PUBLIC: failure}), resolving(PUBLIC))) as carrier:
        outcome = carrier.carry(post("http://hooks.example.test/"))
    assert outcome == NotSent(kind=kind, detail=detail)


def test_no_time_left_was_surely_not_sent(server: ScriptedServer) -> None:
    """A deadline that is over before the first byte opens no connection."""
    dial = Dialer(server)
    with closing(carrier_to(dial, resolving(PUBLIC))) as carrier:
        outcome = carrier.carry(post("http://hooks.example.test/", timeout_ms=0))
    assert isinstance(outcome, NotSent)
    assert dial.dialled == []


def test_port_beyond_the_range_is_not_wrapped_around(server: ScriptedServer) -> None:
    """The system would take the lower 16 bits and knock at another door."""
    dial = Dialer(server)
    with closing(carrier_to(dial, resolving(PUBLIC))) as carrier:
        outcome = carrier.carry(post(f"http://hooks.example.test:{65536 + server.port}/"))
    assert isinstance(outcome, NotSent)
    assert outcome.kind is NotSentKind.BAD_URL
    assert dial.dialled == []
