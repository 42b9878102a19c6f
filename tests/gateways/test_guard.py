"""The rules for webhook addresses, range by range, spelling by spelling (guide reliability §5)."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchctl.gateways.guard import check_addresses, check_url, is_public

REFUSED_RANGES = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "::/128",
    "::1/128",
    "::/96",
    "::ffff:0:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001:0:a00::/40",
    "2001:2::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:db8::/32",
    "3fff::/20",
    "4000::/3",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]

PUBLIC = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:82a::200e",
    "2001:4860:4860::8888",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "2002:101:101::1",
]

WRAPPERS = {
    "mapped": "::ffff:{}",
    "compatible": "::{}",
    "NAT64": "64:ff9b::{}",
}


def wrapped_6to4(address: IPv4Address) -> IPv6Address:
    """Put an IPv4 address into a 6to4 address."""
    return IPv6Address((0x2002 << 112) | (int(address) << 80) | 1)


def wrapped_teredo(server: IPv4Address, client: IPv4Address) -> IPv6Address:
    """Put two IPv4 addresses into a Teredo address."""
    return IPv6Address((0x20010000 << 96) | (int(server) << 64) | (int(client) ^ 0xFFFF_FFFF))


@pytest.mark.parametrize("text", REFUSED_RANGES)
def test_refused_range_is_refused_to_both_ends(text: str) -> None:
    """The first and the last address of every range are not public."""
    network = ip_network(text)
    assert not is_public(network[0])
    assert not is_public(network[-1])


@pytest.mark.parametrize("text", PUBLIC)
def test_public_address_is_allowed(text: str) -> None:
    """The neighbours of the refused ranges, and wrapped public addresses, are public."""
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", [text for text in REFUSED_RANGES if ":" not in text])
def test_refused_address_stays_refused_in_every_wrapping(text: str) -> None:
    """No IPv6 form of a refused IPv4 address gets through."""
    public = IPv4Address("1.1.1.1")
    for address in (IPv4Network(text)[0], IPv4Network(text)[-1]):
        for wrapper in WRAPPERS.values():
            assert not is_public(ip_address(wrapper.format(address)))
        assert not is_public(wrapped_6to4(address))
        assert not is_public(wrapped_teredo(address, public))
        assert not is_public(wrapped_teredo(public, address))


@settings(deadline=None, max_examples=300)
@given(st.ip_addresses(v=4) | st.ip_addresses(v=6, network=IPv6Network("2000::/3")))
def test_nothing_is_public_that_python_knows_to_be_private(address: IPv4Address | IPv6Address) -> None:
    """Our table refuses at least what the standard library does; wrapped addresses are ours alone to judge."""
    wrapped = isinstance(address, IPv6Address) and (address.sixtofour or address.teredo)
    assert wrapped or address.is_global or not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/",
        "https://example.com:443/hook",
        "https://example.com:8443/hook?token=a%20b&x=[1]#part",
        "https://EXAMPLE.com./hook",
        "https://sub_domain.example.com/",
        "https://bücher.example/straße",
        "https://xn--bcher-kva.example/",
        "https://1.1.1.1/",
        "https://[2606:4700:4700::1111]/",
        "https://[::ffff:1.1.1.1]/",
        "https://1.1.1.1.example.com/",
        "https://localhost.example.com/",
        "https://internal.example.com/",
        "https://notlocal/",
        "https://example.com/" + "a" * (2048 - len("https://example.com/")),
    ],
)
def test_proper_address_is_accepted(url: str) -> None:
    """What a customer may rightly use is accepted, with and without the insecure setting."""
    assert check_url(url, allow_insecure=False) is None
    assert check_url(url, allow_insecure=True) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https:///hook",
        "https:example.com",
        "//example.com/",
        "/hook",
        "example.com/hook",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:port/",
        "https://example.com:-1/",
        "https://exa mple.com/",
        " https://example.com/",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://exam\tple.com/",
        "https://example.com/\x00",
        "https://example.com/\x7f",
        "https://example.com/\u0085",
        "https://example.com/\u2028",
        "https://example.com/\u202e",
        "https://example.com/\ud800",
        "https://example.com\\@127.0.0.1/",
        "https://example..com/",
        "https://.example.com/",
        "https://-example.com/",
        "https://example%2ecom/",
        "https://%6c%6f%63alhost/",
        "https://exam<ple>.com/",
        "https://" + "a" * 64 + ".com/",
        "https://[::1/",
        "https://[example.com]/",
        "https://[v1.fe80::a+en1]/",
        "https://[fe80::1%25eth0]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.1/",
        "https://127.0.0.01/",
        "https://1.2.3.4.5/",
        "https://256.1.1.1/",
        "https://example.0x7f/",
        "https://example.123/",
        "https://\uff11.\uff11.\uff11/",
        "https://example.com/a\\b",
        "https://example.com/" + "a" * (2049 - len("https://example.com/")),
    ],
)
def test_malformed_address_is_refused_even_in_development(url: str) -> None:
    """The insecure setting opens private networks, not a second way to spell an address."""
    assert check_url(url, allow_insecure=False) is not None
    assert check_url(url, allow_insecure=True) is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "HTTP://example.com/",
        "https://localhost/",
        "https://localhost./",
        "https://LOCALHOST:8443/",
        "https://db.localhost/",
        "https://localhost.localdomain/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://metadata.google.internal./",
        "https://ⓛocalhost/",
        "https://127.0.0.1/",
        "https://127.0.0.1./",
        "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
        "https://127。0。0。1/",
        "https://10.0.3.7/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/",
        "https://[::]/",
        "https://[::1]/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
    ],
)
def test_inner_address_is_refused_unless_allowed(url: str) -> None:
    """Plain http, this machine and this network are for development only, and the message names the setting."""
    refusal = check_url(url, allow_insecure=False)
    assert refusal is not None
    assert "ENTERPRISE_WEBHOOK_ALLOW_INSECURE" in refusal
    assert check_url(url, allow_insecure=True) is None


@pytest.mark.parametrize(
    ("host", "addresses", "allowed"),
    [
        ("example.com", ["1.1.1.1"], True),
        ("example.com", ["1.1.1.1", "2606:4700:4700::1111"], True),
        ("127.0.0.1.nip.io", ["127.0.0.1"], False),
        ("example.com", ["1.1.1.1", "10.0.0.1"], False),
        ("example.com", ["10.0.0.1", "1.1.1.1"], False),
        ("example.com", ["1.1.1.1", "::ffff:10.0.0.1"], False),
        ("example.com", ["fe80::1%eth0"], False),
        ("example.com", ["garbage"], False),
        ("localhost", ["1.1.1.1"], False),
        ("printer.local.", ["1.1.1.1"], False),
    ],
)
def test_all_addresses_and_the_name_are_checked(host: str, addresses: list[str], *, allowed: bool) -> None:
    """One record that is not public is enough to refuse, wherever it stands."""
    assert (check_addresses(host, addresses) is None) is allowed
