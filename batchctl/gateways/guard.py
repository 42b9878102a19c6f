"""Which addresses on the network a customer's webhook may reach.

`check_url` gives an early and clear error; the truth is `check_addresses`, asked with every connection about the
addresses that the name really has. Any port is allowed: the contract names none, and receivers do listen on 8443.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

MAX_URL_CHARS = 2048
MAX_NAME_CHARS = 253

_REFUSED_V4 = tuple(
    IPv4Network(text)
    for text in (
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
    )
)
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
"""Everything outside is loopback, IPv4-compatible, unique local, link-local, site-local, multicast or unassigned."""
_REFUSED_V6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_NAT64 = IPv6Network("64:ff9b::/96")
"""The well-known prefix only; 64:ff9b:1::/48 is for local use and hides its IPv4 address where one cannot know."""
_TEREDO = IPv6Network("2001::/32")

HINT = "(ENTERPRISE_WEBHOOK_ALLOW_INSECURE=true allows it)"
"""Ends each refusal that the setting would lift."""
_REFUSED_NAMES = ("localhost", "localdomain", "local", "internal")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is global unicast; one that wraps IPv4 addresses is as public as all of those are."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    wrapped = embedded(address)
    if wrapped:
        return all(is_public(inner) for inner in wrapped)
    return address in _GLOBAL_UNICAST_V6 and not any(address in network for network in _REFUSED_V6)


def check_addresses(host: str, addresses: Iterable[str]) -> str | None:
    """Say why a connection to `host` at any of these addresses is forbidden, or return None when all are public."""
    refusal = _check_name(host)
    if refusal is not None:
        return refusal
    for text in addresses:
        try:
            public = is_public(ip_address(text))
        except ValueError:
            public = False
        if not public:
            return f"{host} is at {text}, which is not a public address {HINT}"
    return None


def check_url(url: str, *, allow_insecure: bool) -> str | None:
    """Say what is wrong with a webhook address, or return None.

    `allow_insecure` permits http:// and addresses that are not public (contract §3), nothing else.
    """
    if len(url) > MAX_URL_CHARS:
        return f"longer than {MAX_URL_CHARS} characters"
    # urlsplit drops tabs and line ends without a word, and a backslash is a slash to some parsers.
    if any(not char.isprintable() or char.isspace() or char == "\\" for char in url):
        return "spaces, control characters and backslashes are not allowed"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "not a URL"
    rules = (
        (parts.scheme in ("http", "https"), "must begin with https://"),
        (parts.scheme == "https" or allow_insecure, f"must begin with https://, not http:// {HINT}"),
        ("@" not in parts.netloc, "must not contain a user name or password"),
        (bool(host), "has no host"),
        (port != 0, "port 0 does not exist"),
    )
    broken = next((message for kept, message in rules if not kept), None)
    return broken or _check_host(host, bracketed=parts.netloc.startswith("["), allow_insecure=allow_insecure)


def _check_host(host: str, *, bracketed: bool, allow_insecure: bool) -> str | None:
    """Judge the host of a URL by its text alone; a name may still turn out to live at a forbidden address."""
    try:
        # This codec folds more than httpx does (full-width digits, circled letters), so nothing hides from the rules.
        name = host if bracketed else host.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        return "the host is not a valid name"
    labels = name.split(".")
    if bracketed or _NUMERIC_LABEL.fullmatch(labels[-1]):
        return _check_literal(name, allow_insecure=allow_insecure)
    if len(name) > MAX_NAME_CHARS or not all(_LABEL.fullmatch(label) for label in labels):
        return "the host is not a valid name"
    return None if allow_insecure else _check_name(name)


def _check_literal(text: str, *, allow_insecure: bool) -> str | None:
    """Judge an address written as such; ipaddress takes the plain spelling only, not 127.1, 0x7f.1 or 2130706433."""
    try:
        address = ip_address(text)
    except ValueError:
        return "the host is not a valid address"
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return "an address must not name a network interface"
    return None if allow_insecure or is_public(address) else f"{address} is not a public address {HINT}"


def _check_name(host: str) -> str | None:
    """Refuse the names that mean this machine or this network, whatever they resolve to."""
    name = host.lower().removesuffix(".")
    if any(name == refused or name.endswith(f".{refused}") for refused in _REFUSED_NAMES):
        return f"{name} is not a public name {HINT}"
    return None


def embedded(address: IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address wraps: mapped, NAT64, 6to4, Teredo (server and client)."""
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFF_FFFF)]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address in _TEREDO and address.teredo is not None:
        return list(address.teredo)
    return []
