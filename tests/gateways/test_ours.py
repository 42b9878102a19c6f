"""Addresses of our own, public or not: no webhook reaches them."""

import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address
from threading import Thread

import pytest

from batchctl.db import Database
from batchctl.domain.wire import Lost, NotSent, NotSentKind, Reply
from batchctl.gateways import ours
from batchctl.gateways.network import tls_context
from batchctl.gateways.ours import check_not_ours, is_this_machine
from batchctl.gateways.transport import Carrier
from batchctl.settings import read_settings
from batchctl.wiring import open_world

from .conftest import Serve
from .door import Door
from .exchanges import carry, post, resolving
from .scripted import TRUSTED_PEM, answer, answering

MINE = "93.184.215.14"
OTHER = "93.184.215.15"


def test_addresses_of_this_machine_are_known() -> None:
    """Those of its interfaces are, without a list of them; those of others are not, and no packet is sent for it."""
    assert is_this_machine(ip_address("127.0.0.1"))
    for address in ("192.0.2.77", "198.51.100.1", "2001:db8::77"):
        assert not is_this_machine(ip_address(address))


def test_every_address_of_an_interface_is_known() -> None:
    """Whatever the system itself would send from is ours."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.77", 9))
        except OSError:
            pytest.skip("this machine has no way to other networks")
        assert is_this_machine(ip_address(probe.getsockname()[0]))


@pytest.mark.parametrize(
    "written", [MINE, f"::ffff:{MINE}", "::ffff:5db8:d70e", f"64:ff9b::{MINE}", "2002:5db8:d70e::1"]
)
@pytest.mark.parametrize("known", [MINE, f"::ffff:{MINE}"])
def test_known_address_is_refused_in_every_wrapping(written: str, known: str) -> None:
    """An address is the same however it is written, by the name's record or by what is known."""
    assert check_not_ours("a.test", [OTHER, written], [known]) == (
        f"a.test is at {written}, which is an address of our own (ENTERPRISE_WEBHOOK_ALLOW_INSECURE=true allows it)"
    )
    assert check_not_ours("a.test", [OTHER], [known]) is None


@pytest.fixture
def interface(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine have a public address on an interface."""

    def is_mine(address: object) -> bool:
        return str(address) == MINE

    monkeypatch.setattr(ours, "is_this_machine", is_mine)


@pytest.mark.usefixtures("interface")
@pytest.mark.parametrize(("address", "knocks"), [(MINE, 0), (OTHER, 1)])
@pytest.mark.parametrize("host", ["name.test", "{}"])
def test_own_public_address_is_not_dialled(host: str, address: str, knocks: int) -> None:
    """A name, or a literal, that leads to a public address of this machine ends without a connection."""
    with Door() as door:

        def dial(_address: tuple[str, int], timeout_s: float) -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", door.port), timeout_s)
            connection.shutdown(socket.SHUT_RDWR)
            return connection

        with closing(Carrier(tls=tls_context(None), resolve=resolving(address), dial=dial)) as carrier:
            outcome = carrier.carry(post(f"http://{host.format(address)}/", public_only=True))
        assert door.knocks() == knocks
    assert isinstance(outcome, Lost if knocks else NotSent)


def test_what_is_ours_is_asked_at_each_connection() -> None:
    """The database may have moved to another address since the client was built."""
    known: set[str] = set()
    dialled: list[str] = []

    def dial(address: tuple[str, int], _timeout_s: float) -> socket.socket:
        dialled.append(address[0])
        raise ConnectionRefusedError

    with closing(Carrier(tls=tls_context(None), resolve=resolving(MINE), dial=dial, ours=lambda: known)) as carrier:
        request = post("http://name.test/", public_only=True)
        before = carrier.carry(request)
        known.add(MINE)
        after = carrier.carry(request)
    assert isinstance(before, NotSent)
    assert before.kind is NotSentKind.REFUSED
    assert isinstance(after, NotSent)
    assert after.kind is NotSentKind.FORBIDDEN_ADDRESS
    assert dialled == [MINE]


class Postgres:
    """Says just enough of PostgreSQL's protocol over TCP to be connected to; whatever it is asked is 0."""

    def __init__(self) -> None:
        """Listen at once."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait for the client to leave."""
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.recv(struct.unpack("!I", connection.recv(4))[0])
            parameters = {"server_version": "15.0", "client_encoding": "UTF8", "in_hot_standby": "off"}
            parameters |= {"default_transaction_read_only": "off", "standard_conforming_strings": "on"}
            said = [b"R" + struct.pack("!II", 8, 0)]
            said += [message(b"S", f"{name}\0{value}\0".encode()) for name, value in parameters.items()]
            connection.sendall(b"".join([*said, message(b"Z", b"I")]))
            column = b"pid\0" + struct.pack("!IHIhih", 0, 0, 23, 4, -1, 0)
            row = message(b"T", struct.pack("!H", 1) + column) + message(b"D", struct.pack("!HI", 1, 1) + b"0")
            row += message(b"C", b"SELECT 1\0") + message(b"Z", b"I")
            while connection.recv(1024).startswith(b"Q"):
                connection.sendall(row)


def message(kind: bytes, content: bytes) -> bytes:
    """Write a message of PostgreSQL's protocol."""
    return kind + struct.pack("!I", len(content) + 4) + content


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """Give a server that is over when its client has left."""
    with closing(Postgres()) as server:
        yield server


def test_address_of_the_database_is_known_once_it_answered(postgres: Postgres, dsn: str) -> None:
    """The address is that of the connection, whatever name led there; a local socket has none."""
    conninfo = (
        f"host=localhost hostaddr=127.0.0.1 port={postgres.port} user=u dbname=d sslmode=disable gssencmode=disable"
    )
    with closing(Database(conninfo, lambda _: None)) as db:
        assert db.addresses == frozenset()
        db.ask(lambda _: None)
        assert db.addresses == {"127.0.0.1"}
    with closing(Database(dsn, lambda _: None)) as db:
        db.ask(lambda _: None)
        assert db.addresses <= {"127.0.0.1", "::1"}


def test_webhooks_never_reach_the_database(monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    """What the connection says is what the client of webhooks refuses; the provider's client may go there."""
    monkeypatch.setenv("BATCHCTL_DATABASE_URL", dsn)
    monkeypatch.setattr(Database, "addresses", frozenset({MINE, "127.0.0.1"}))
    with open_world(read_settings()) as world:
        guarded = carry(world.webhook_http, post(f"http://{MINE}:1/", public_only=True, timeout_ms=1))
        unguarded = carry(world.provider_http, post("http://127.0.0.1:1/"))
    assert isinstance(guarded, NotSent)
    assert guarded.detail.startswith(f"{MINE} is at {MINE}, which is an address of our own")
    assert isinstance(unguarded, NotSent)
    assert unguarded.kind is NotSentKind.REFUSED


@pytest.mark.parametrize("set_", [True, False])
@pytest.mark.parametrize("client", ["provider_http", "webhook_http"])
def test_private_authorities(
    monkeypatch: pytest.MonkeyPatch, dsn: str, serve: Serve, client: str, *, set_: bool
) -> None:
    """SSL_CERT_FILE names the authorities for the provider and for webhooks; without it private ones are refused."""
    monkeypatch.setenv("BATCHCTL_DATABASE_URL", dsn)
    monkeypatch.setenv("SSL_CERT_FILE", str(TRUSTED_PEM) if set_ else "")
    server = serve(answering(answer()), TRUSTED_PEM)
    with open_world(read_settings()) as world:
        outcome = carry(getattr(world, client), post(server.url()))
    assert isinstance(outcome, Reply if set_ else NotSent)
