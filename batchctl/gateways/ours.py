"""Addresses that are public and yet our own: this machine's and the database's, which trust us more than strangers."""

import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from batchctl.gateways.guard import HINT, embedded

Addresses = Callable[[], Iterable[str]]
"""Returns addresses that customers' webhooks must not reach, as they are known at this moment."""


def check_not_ours(host: str, addresses: Iterable[str], others: Iterable[str]) -> str | None:
    """Say why a connection to `host` at any of these addresses is forbidden, or None when none of them is ours.

    Ours are this machine's, and `others`. An address that wraps one of ours is that one.
    """
    known = {form for other in others for form in _forms(other)}
    for text in addresses:
        if any(form in known or is_this_machine(form) for form in _forms(text)):
            return f"{host} is at {text}, which is an address of our own {HINT}"
    return None


def is_this_machine(address: IPv4Address | IPv6Address) -> bool:
    """Say whether an interface of this machine has the address: a connection to it would also come from it.

    Nothing is sent: connecting a datagram socket only makes the system choose the way and the source.
    """
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ip_address(probe.getsockname()[0]) == address
    except OSError:
        return False  # There is no way to it, so no connection will come about.


def _forms(text: str) -> list[IPv4Address | IPv6Address]:
    address = ip_address(text)
    return [address, *(embedded(address) if isinstance(address, IPv6Address) else ())]
