"""What holds for libcurl's client besides what holds for every client (test_http.py)."""

import socket
import sys
from contextlib import closing
from subprocess import run
from threading import Event
from time import monotonic

import pytest

from batchctl.domain.wire import Lost, NotSent, NotSentKind, Reply
from batchctl.gateways import curl
from batchctl.gateways.curl import CurlHttp
from batchctl.gateways.on_demand import OnDemandHttp
from batchctl.wiring import CURL_PLACES

from .conftest import Serve
from .exchanges import PATIENCE_S, carry, land, post
from .scripted import TRUSTED_PEM, Peer, answer, answering


def test_guarded_requests_are_refused() -> None:
    """Requests that may go to public addresses only are for the client that checks each address before it connects."""
    with closing(CurlHttp(1)) as http, pytest.raises(ValueError, match="carried by ThreadedHttp"):
        http.send([post("http://127.0.0.1/", public_only=True)])


def test_name_that_cannot_be_resolved_was_surely_not_sent() -> None:
    """A name that does not exist allows to send again."""
    with closing(CurlHttp(1)) as http:
        outcome = carry(http, post("http://nowhere.invalid/"))
    assert outcome == NotSent(kind=NotSentKind.DNS, detail="the name look-up failed")


def test_certificate_for_another_name_was_surely_not_sent(serve: Serve) -> None:
    """A wrong name ends before the request, although the authority is trusted."""
    server = serve(answering(answer()), TRUSTED_PEM)
    with closing(CurlHttp(1, ca_file=str(TRUSTED_PEM))) as http:
        outcome = carry(http, post(server.url(host="localhost")))
    assert outcome == NotSent(
        kind=NotSentKind.TLS, detail="TLS: the handshake failed, or the certificate is for another name"
    )
    assert server.requests == []


def test_connections_are_kept_but_not_for_what_is_sent_only_once(serve: Serve) -> None:
    """Polls share a connection, the one of their submission too; a submission has one that carried nothing before."""
    server = serve(answering(answer()))
    with closing(CurlHttp(1)) as http:
        for only_once in (True, False, False, True):
            assert isinstance(carry(http, post(server.url(), only_once=only_once)), Reply)
    assert (len(server.requests), server.connections) == (4, 2)


def hang_up_on_the_second(peer: Peer) -> None:
    """Script: answer one request; read the whole next one, and hang up without a word."""
    peer.receive()
    peer.send(answer())
    peer.receive()


def test_request_that_was_read_is_never_sent_again_by_the_library(serve: Serve) -> None:
    """The library repeats what it lost on a used connection, if it can get the body once more: it cannot."""
    server = serve(hang_up_on_the_second)
    with closing(CurlHttp(1)) as http:
        assert isinstance(carry(http, post(server.url())), Reply)
        assert isinstance(carry(http, post(server.url())), Lost)
    assert (len(server.requests), server.connections) == (2, 1)


def test_connection_that_was_idle_too_long_is_not_used_again(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the keep-alive time a request gets a new connection."""
    monkeypatch.setattr(curl, "KEEP_ALIVE_S", 1)
    server = serve(answering(answer()))
    with closing(CurlHttp(1)) as http:
        assert isinstance(carry(http, post(server.url())), Reply)
        Event().wait(2.1)  # libcurl counts whole seconds of its own clock.
        assert isinstance(carry(http, post(server.url())), Reply)
    assert server.connections == 2


def test_answer_is_taken_while_the_owner_is_busy(serve: Serve) -> None:
    """An answer that came in time counts, even when nobody looked for it before its deadline had passed."""
    server = serve(answering(answer()))
    with closing(CurlHttp(1)) as http:
        http.send([post(server.url(), timeout_ms=2000)])
        end_s = monotonic() + PATIENCE_S
        while http._landed.empty() and monotonic() < end_s:  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # collecting would drive it
            Event().wait(0.01)
        (landed,) = http.collect(0)
    assert isinstance(landed.outcome, Reply)


def test_many_places_fly_at_once() -> None:
    """As many requests as wiring allows wait side by side, each with a connection of its own."""
    with socket.create_server(("127.0.0.1", 0), backlog=CURL_PLACES) as server, closing(CurlHttp(CURL_PLACES)) as http:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        landed = land(http, *(post(url, key=key, timeout_ms=1500) for key in range(CURL_PLACES)))
    assert {type(one.outcome) for one in landed} == {Lost}  # Each was sent, and so had a connection.


IDLE = """
import socket
import sys
from batchctl.gateways.on_demand import OnDemandHttp
from batchctl.wiring import CURL_PLACES
http = OnDemandHttp("curl", 20, lambda: 1 / 0)
http.send([])
assert http.collect(1.0) == []
http.close()
assert "pycurl" not in sys.modules
"""


def test_idle_client_loads_nothing() -> None:
    """A pass without requests pays for no client."""
    assert run([sys.executable, "-c", IDLE], check=False).returncode == 0


def test_client_on_demand_is_the_client(serve: Serve) -> None:
    """Once something is sent, it is the client that it stands for."""
    server = serve(answering(answer()))
    with closing(OnDemandHttp("curl", 2, lambda: CurlHttp(2))) as http:
        assert (http.name, http.places, http.collect(0.1)) == ("curl", 2, [])
        assert isinstance(carry(http, post(server.url())), Reply)
