"""No customer's webhook reaches this machine or its network, counted at a listener: nobody may ever come (guide §5)."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batchctl.domain.wire import Lost, NotSent, NotSentKind, Outcome, Reply
from batchctl.gateways.guard import check_url
from batchctl.gateways.network import tls_context
from batchctl.gateways.resolver import Resolve, Resolver
from batchctl.gateways.transport import Carrier
from tests.scenario import Company

from .conftest import Serve
from .door import Door
from .exchanges import post, resolving
from .scripted import TRUSTED_PEM, ScriptedServer, answer, answering
from .test_guard import PUBLIC as PUBLIC_ADDRESSES
from .test_guard import REFUSED_RANGES, WRAPPERS, wrapped_6to4, wrapped_teredo

PUBLIC = "93.184.215.14"
PUBLIC_V6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

SPELLINGS = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.000.000.001",
    "127.255.255.254",
    "0",
    "0.0.0.0",  # noqa: S104 - a target
    "0.0.0.1",
    "2130706433",
    "2130706433.",
    "0x7f000001",
    "0x7F000001",
    "0x7f.1",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "017700000001",
    "0177.0x0.0.1",
    "00000177.0.0.1",
    "4294967296",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::0001]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:0001]",
    "[::ffff:0.0.0.0]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::ffff:0:7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:7f00:0001::1]",
    "[2001:0:7f00:1::]",
    "[2001:0:0101:0101::80ff:fffe]",
    "[fe80::1%lo]",
    "[fe80::1%25lo]",
    "[::1%lo]",
    "[::1%251]",
    "[fec0::1]",
    "[fd00::1]",
    "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
    "127\u30020\u30020\u30021",
    "\u2460\u2461\u2466.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost.localdomain",
    "anything.localhost",
    "\u24db\u24deⓒalhost",
    "printer.local",
    "db.internal",
    "metadata.google.internal",
    "metadata.google.internal.",
]
"""Ways to write this machine, its network, or a name that stands for them."""
OPEN_TO_ALL = ["127.0.0.1", "127.1", "0", "0.0.0.0", "2130706433", "0x7f.1", "localhost"]  # noqa: S104 - a target
"""Those of them with which the system does reach this machine when nobody guards it."""


class Knocker:
    """Stands in for the dialling: notes each address, and knocks at the door instead of going there."""

    def __init__(self, door: Door) -> None:
        """Knock at this door."""
        self._door = door
        self.dialled: list[str] = []

    def __call__(self, address: tuple[str, int], timeout_s: float) -> socket.socket:
        """Knock, and hang up: what is read from the connection is its end."""
        self.dialled.append(address[0])
        connection = socket.create_connection(("127.0.0.1", self._door.port), timeout_s)
        connection.shutdown(socket.SHUT_RDWR)
        return connection


class Script:
    """A resolver with one answer a look-up, the last one for ever; notes what it was asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        """Give these answers."""
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, _port: int, _timeout_s: float) -> Sequence[str]:
        """Look up."""
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture
def door() -> Iterator[Door]:
    """Give a door at which nobody has knocked when the test ends, unless the test has counted it."""
    with Door() as door:
        yield door
        assert door.knocks() == 0


def knock(door: Door, url: str, resolve: Resolve) -> tuple[Outcome, list[str]]:
    """Carry one request to its outcome; return it with the addresses that were dialled, all of them at the door."""
    dial = Knocker(door)
    with closing(Carrier(tls=tls_context(None), resolve=resolve, dial=dial)) as carrier:
        return carrier.carry(post(url, public_only=True)), dial.dialled


def test_no_spelling_reaches_this_machine(door: Door) -> None:
    """Each of them is refused by its text, and where it is not even looked at, by the address that it leads to."""
    for host in SPELLINGS:
        for scheme in ("https", "http"):
            url = f"{scheme}://{host}:{door.port}/"
            assert check_url(url, allow_insecure=False) is not None, url
            with closing(Carrier(tls=tls_context(None), resolve=Resolver())) as carrier:
                outcome = carrier.carry(post(url, public_only=True))
            assert isinstance(outcome, NotSent), url
    assert door.knocks() == 0


def test_the_guard_is_what_keeps_them_out(door: Door) -> None:
    """Without it these spellings arrive: the test above would notice a guard that was gone."""

    def dial(address: tuple[str, int], timeout_s: float) -> socket.socket:
        connection = socket.create_connection(address, timeout_s)
        connection.shutdown(socket.SHUT_RDWR)  # Nobody answers.
        return connection

    for host in OPEN_TO_ALL:
        with closing(Carrier(tls=tls_context(None), resolve=Resolver(), dial=dial)) as carrier:
            outcome = carrier.carry(post(f"http://{host}:{door.port}/"))
        assert isinstance(outcome, Lost), host
        assert door.knocks() == 1, host


@pytest.mark.parametrize("host", ["localhost", "db.localhost.", "printer.local", "metadata.google.internal"])
def test_inner_name_is_not_even_looked_up(door: Door, host: str) -> None:
    """Who answers for such names inside the network does not learn that somebody asked."""
    resolve = Script([PUBLIC])
    outcome, _ = knock(door, f"http://{host}/", resolve)
    assert isinstance(outcome, NotSent)
    assert outcome.kind is NotSentKind.FORBIDDEN_ADDRESS
    assert resolve.asked == []


REFUSED = [address for text in REFUSED_RANGES for address in (ip_network(text)[0], ip_network(text)[-1])]
WRAPPED = [
    wrapped
    for text in REFUSED_RANGES
    if ":" not in text
    for inner in (IPv4Network(text)[0], IPv4Network(text)[-1])
    for wrapped in (
        *(ip_address(form.format(inner)) for form in WRAPPERS.values()),
        wrapped_6to4(inner),
        wrapped_teredo(inner, IPv4Address(PUBLIC)),
        wrapped_teredo(IPv4Address(PUBLIC), inner),
    )
]


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "wrapped"])
def test_no_refused_address_is_dialled(door: Door, *, wrapped: bool) -> None:
    """The first and the last address of every range, written in the URL or behind a name, alone or among others."""
    dial = Knocker(door)
    for address in WRAPPED if wrapped else REFUSED:
        literal = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
        assert check_url(f"https://{literal}/", allow_insecure=False) is not None, literal
        for host, resolve in {
            literal: resolving(PUBLIC),
            "a.test": resolving(str(address)),
            "b.test": resolving(PUBLIC, str(address)),
            "c.test": resolving(str(address), PUBLIC),
            "d.test": resolving(PUBLIC_V6, PUBLIC, str(address), PUBLIC),
        }.items():
            with closing(Carrier(tls=tls_context(None), resolve=resolve, dial=dial)) as carrier:
                outcome = carrier.carry(post(f"http://{host}:{door.port}/", public_only=True))
            assert isinstance(outcome, NotSent), (host, address)
            assert outcome.kind is NotSentKind.FORBIDDEN_ADDRESS, (host, address)
            assert "ENTERPRISE_WEBHOOK_ALLOW_INSECURE" in outcome.detail
    assert dial.dialled == []
    assert door.knocks() == 0


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_public_address_is_dialled(door: Door, address: str) -> None:
    """The neighbours of the ranges are dialled, so what keeps the others out is their address and nothing else."""
    outcome, dialled = knock(door, "http://name.test/", resolving(address))
    assert isinstance(outcome, Lost)
    assert dialled == [address]
    assert door.knocks() == 1


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("127.0.0.1.nip.io", ["127.0.0.1"]),
        ("10-0-0-1.sslip.io", ["10.0.0.1"]),
        ("169.254.169.254.nip.io", ["169.254.169.254"]),
        ("0x7f000001.nip.io", ["127.0.0.1"]),
        ("localtest.me", ["127.0.0.1", "::1"]),
        ("aaaa-only.test", ["::1"]),
        ("aaaa-only.test", ["fd00:ec2::254"]),
        ("mapped.test", ["::ffff:169.254.169.254"]),
        ("translated.test", ["64:ff9b::a9fe:a9fe"]),
        ("zone.test", ["fe80::1%eth0"]),
        ("last-of-many.test", [PUBLIC, PUBLIC_V6, "1.1.1.1", "172.17.0.1"]),
        ("nonsense.test", ["not an address"]),
        ("empty.test", [""]),
        ("port-in-it.test", ["127.0.0.1:80"]),
    ],
)
def test_no_name_leads_inside(door: Door, name: str, addresses: list[str]) -> None:
    """A name that looks public is judged by every address that it has."""
    assert check_url(f"https://{name}/", allow_insecure=False) is None
    outcome, dialled = knock(door, f"https://{name}/", resolving(*addresses))
    assert isinstance(outcome, NotSent)
    assert outcome.kind is NotSentKind.FORBIDDEN_ADDRESS
    assert dialled == []


def test_name_with_ipv6_alone_is_reached(door: Door) -> None:
    """AAAA records alone are as good as any."""
    outcome, dialled = knock(door, "http://v6.test/", resolving(PUBLIC_V6))
    assert isinstance(outcome, Lost)
    assert dialled == [PUBLIC_V6]
    assert door.knocks() == 1


# One test for each cause of a bypass that is on record elsewhere.


@pytest.mark.parametrize("literal", ["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]"])
def test_bypass_mapped_literal_that_needs_no_look_up(door: Door, literal: str) -> None:
    """A guard that judges names by look-up and literals by their first letters lets mapped ones through."""
    resolve = Script([PUBLIC])
    outcome, dialled = knock(door, f"http://{literal}:{door.port}/", resolve)
    assert isinstance(outcome, NotSent)
    assert outcome.kind is NotSentKind.FORBIDDEN_ADDRESS
    assert (resolve.asked, dialled) == ([], [])


@pytest.mark.parametrize("inner", ["::1", "127.0.0.1", "fd00::1"])
def test_bypass_only_one_record_is_checked(door: Door, inner: str) -> None:
    """A guard that looks up IPv4 alone, or takes the first record, is passed by the second."""
    for addresses in ([PUBLIC, inner], [PUBLIC_V6, PUBLIC, inner]):
        outcome, dialled = knock(door, "http://two-records.test/", resolving(*addresses))
        assert isinstance(outcome, NotSent)
        assert dialled == []


def test_bypass_name_is_judged_by_its_text_alone(door: Door) -> None:
    """A guard that compares strings takes any name that is not on its list for public."""
    outcome, dialled = knock(door, "http://harmless.test/", resolving("127.0.0.1"))
    assert isinstance(outcome, NotSent)
    assert outcome.detail.startswith("harmless.test is at 127.0.0.1, which is not a public address")
    assert dialled == []


def test_bypass_second_look_up_at_the_connection(door: Door) -> None:
    """A guard that leaves the connection to look the name up again connects to what the second answer says."""
    resolve = Script([PUBLIC], ["127.0.0.1"])
    outcome, dialled = knock(door, "http://rebinds.test/", resolve)
    assert isinstance(outcome, Lost)
    assert (resolve.asked, dialled) == (["rebinds.test"], [PUBLIC])
    assert door.knocks() == 1  # the one that was checked


def test_bypass_next_try_trusts_the_last_check(door: Door) -> None:
    """A guard that checks when a webhook is registered, or once a process, is passed by the next try."""
    resolve, dial = Script([PUBLIC], ["127.0.0.1"]), Knocker(door)
    with closing(Carrier(tls=tls_context(None), resolve=resolve, dial=dial)) as carrier:
        request = post("http://rebinds.test/", public_only=True)
        first, second = carrier.carry(request), carrier.carry(request)
    assert isinstance(first, Lost)
    assert isinstance(second, NotSent)
    assert second.kind is NotSentKind.FORBIDDEN_ADDRESS
    assert dial.dialled == [PUBLIC]
    assert door.knocks() == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_bypass_redirect_to_the_inside(door: Door, serve: Serve, status: int) -> None:
    """A guard in front of a client that follows redirects is passed by the second hop."""
    target = f"Location: http://127.0.0.1:{door.port}/\r\nRefresh: 0; url=http://127.0.0.1:{door.port}/\r\n"
    server = serve(answering(answer(b"", status=status, headers=target)))
    with closing(guarded(server)) as carrier:
        outcome = carrier.carry(post("http://redirects.test/", public_only=True))
    assert isinstance(outcome, Reply)
    assert outcome.status == status


@pytest.mark.parametrize("literal", ["64:ff9b::a9fe:a9fe", "2002:7f00:1::1", "2001:0:a9fe:a9fe::"])
def test_bypass_standard_library_calls_it_global(door: Door, literal: str) -> None:
    """A guard that asks `is_global` alone lets addresses through that wrap an inner one."""
    outcome, dialled = knock(door, "http://wraps.test/", resolving(literal))
    assert isinstance(outcome, NotSent)
    assert dialled == []


@pytest.mark.parametrize("literal", ["fe80::1", "fe81::1", "fea0::1", "febf::1"])
def test_bypass_prefix_is_compared_as_text(door: Door, literal: str) -> None:
    """A guard that looks for `fe80:` forgets the rest of fe80::/10."""
    outcome, dialled = knock(door, f"http://[{literal}]/", resolving(PUBLIC))
    assert isinstance(outcome, NotSent)
    assert dialled == []


@pytest.mark.parametrize(
    "url",
    [
        "http://public.test#@127.0.0.1/",
        "http://public.test?@127.0.0.1/",
        "http://public.test:80#@127.0.0.1:80/",
        "http://127.0.0.1#@public.test/",
        "http://127.0.0.1?@public.test/",
        "http://127.0.0.1/@public.test/",
        "http://public.test@127.0.0.1/",
        "http://public.test:80@127.0.0.1/",
        "http://public.test\\@127.0.0.1/",
        "http://127.0.0.1\\@public.test/",
        "http://public.test\uff0f@127.0.0.1/",
        "http://public.test%2f@127.0.0.1/",
        "http://public.test%00.127.0.0.1/",
        "http://127.0.0.1%20.public.test/",
        "http:///127.0.0.1/",
        "http:\\\\127.0.0.1/",
        "http:127.0.0.1/",
        "http://[::ffff:127.0.0.1].public.test/",
        "http://[public.test]@127.0.0.1/",
    ],
)
def test_bypass_two_parsers_disagree(door: Door, url: str) -> None:
    """Wherever the client thinks that a URL leads, only public addresses are dialled."""
    _, dialled = knock(door, url, resolving(PUBLIC))
    assert set(dialled) <= {PUBLIC}
    door.knocks()


def guarded(server: ScriptedServer) -> Carrier:
    """Build a carrier for which every name is public, and which ends at the server wherever it dials."""

    def dial(_address: tuple[str, int], timeout_s: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", server.port), timeout_s)

    return Carrier(tls=tls_context(str(TRUSTED_PEM)), resolve=resolving(PUBLIC), dial=dial)


def test_environment_leads_nowhere_else(door: Door, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither proxies nor files of passwords that the environment names are used for a webhook."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{door.port}")
    monkeypatch.setenv("NO_PROXY", "")
    server = serve(answering(answer()), TRUSTED_PEM)
    with closing(guarded(server)) as carrier:
        outcome = carrier.carry(post("https://hooks.example.test/", public_only=True))
    assert isinstance(outcome, Reply)


def test_tls_is_always_verified() -> None:
    """No client of ours accepts an old protocol, a certificate that nobody vouches for, or one of another name."""
    context = tls_context(None)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


MARK = "MARKED-pw"


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{MARK}@hooks.test/",
        f"https://{MARK}@hooks.test/",
        f"http://user:{MARK}@127.0.0.1/",
        f"https://user:{MARK}@[::1/",
        f"https://user:{MARK}@127.1/",
        f"https://user:{MARK}@[fe80::1%25lo]/",
        f"https://user:{MARK}@localhost/",
        f"https://user:{MARK}@hooks.test:0/",
        f"https://user:{MARK}@hooks.test:x/",
        f"https://user:{MARK}@/",
        f"ftp://user:{MARK}@hooks.test/",
        f"https://user:{MARK} @hooks.test/",
        f"https://user:{MARK}\n@hooks.test/",
        f"https://user:{MARK}@" + "a" * 3000,
        f"https://127.0.0.1/hook?token={MARK}",
        f"https://localhost/{MARK}#{MARK}",
        f"https://hooks.test:99999/{MARK}",
        f"http://hooks.test/{MARK}",
    ],
)
def test_no_refusal_quotes_a_password(door: Door, url: str) -> None:
    """What stands before the host, and behind it, is told to nobody: not by the text's check, not by the client."""
    told = [check_url(url, allow_insecure=insecure) or "" for insecure in (False, True)]
    outcome, _ = knock(door, url, resolving("127.0.0.1"))
    assert isinstance(outcome, NotSent)
    assert MARK not in " ".join([*told, outcome.detail])


@pytest.mark.parametrize("host", ["a." * 140 + "test", "a." * 400 + "local", "x" * 63 + ".internal", "b" * 254])
def test_no_refusal_is_long(door: Door, host: str) -> None:
    """A refusal fits into the 500 characters that are kept of an error."""
    refusal = check_url(f"https://{host}/", allow_insecure=False)
    assert refusal is not None
    outcome, _ = knock(door, f"https://{host}/", resolving("127.0.0.1"))
    assert isinstance(outcome, NotSent)
    assert len(refusal) <= 480


PIECES = st.sampled_from(
    [
        *("127.0.0.1", "::1", "localhost", "public.test", "2130706433", "0x7f.1", "1.1.1.1", "::ffff:", "user", "80"),
        *("@", ":", "/", "\\", "[", "]", "#", "?", ".", "é", "%", "%2f", "%00", "\uff0f", "\uff10", "\u3002"),
        *("\ud800", "\t", " "),
    ]
)


@settings(deadline=None, max_examples=200)
@given(st.lists(PIECES, min_size=1, max_size=7).map("".join), st.sampled_from(["http://", "https://", "http:", "//"]))
@example("1.1.1.1", "http://")
def test_whatever_is_written_only_public_addresses_are_dialled(rest: str, scheme: str) -> None:
    """No text whatever makes the client dial an address that is not public, or raise."""
    dialled: list[str] = []

    def dial(address: tuple[str, int], _timeout_s: float) -> socket.socket:
        dialled.append(address[0])
        raise ConnectionRefusedError

    with closing(Carrier(tls=tls_context(None), resolve=resolving("127.0.0.1"), dial=dial)) as carrier:
        outcome = carrier.carry(post(scheme + rest, public_only=True))
    assert isinstance(outcome, NotSent)
    assert all(ip_address(address).is_global for address in dialled)
    assert dialled or (rest, scheme) != ("1.1.1.1", "http://")


@settings(deadline=None, max_examples=300)
@given(st.lists(PIECES, min_size=1, max_size=7).map("".join))
def test_accepted_text_means_the_same_to_the_client(rest: str) -> None:
    """What the check by text accepts leads, for the client too, to the host that was judged, or nowhere at all."""
    url = f"https://{rest}"
    if check_url(url, allow_insecure=False) is not None:
        return
    try:
        host = httpx.URL(url).raw_host.decode()
    except httpx.InvalidURL:
        return
    assert check_url(f"https://{f'[{host}]' if ':' in host else host}/", allow_insecure=False) is None


def test_reference_image_is_never_fetched(door: Door, company: Company) -> None:
    """Whatever address a customer gives for an image, it goes to the provider as text, and nobody here opens it."""
    batch = company.enqueue(company.customer(permanent=100), 3, models=["sora-2", "veo-flash", "veo-pro"])
    image = f"http://127.0.0.1:{door.port}/image.png"
    company.sql("update video_tasks set reference_url = %s, meta = %s", image, f'{{"firstFrameUrl": "{image}"}}')

    company.run_until_quiet()

    assert {task.status for task in company.tasks(batch)} == {"succeeded"}
    assert door.knocks() == 0
