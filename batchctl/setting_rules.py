"""What the values of settings must look like, beyond their types; each rule takes a value before it is converted.

The errors say what a value must be and never show it, for it may be a secret.
"""

import base64
import re
from urllib.parse import urlsplit

from batchctl.domain.vault import KEY_BYTES
from batchctl.domain.webhook import sign_standard

MAX_AUTHORITIES_BYTES = 1024 * 1024
"""The first certificate stands within so much of a file of them."""


def host(value: object) -> object:
    """Cut trailing slashes and /v1 off the provider's base URL."""
    if not isinstance(value, str):
        return value
    if "@" in value:  # The client would send it instead of the key, and the database would keep it.
        message = "must not contain a user name or password"
        raise ValueError(message)
    return base_url(value.strip().rstrip("/").removesuffix("/v1"))


def database_url(value: object) -> object:
    """Refuse a URL that libpq would take apart in another way than it was meant, and then quote parts of a password."""
    if not isinstance(value, str):
        return value
    if any("\ud800" <= char <= "\udfff" for char in value):  # bytes of the environment that are no text
        message = "must be text in UTF-8"
        raise ValueError(message)
    if not value.startswith(("postgresql://", "postgres://")):
        return value
    address = value.partition("://")[2].partition("?")[0]
    authority, _, name = address.partition("/")
    hosts = authority.rpartition("@")[2]
    ports = [host.rpartition("]")[2].partition(":")[2] for host in hosts.split(",")]
    if authority.count("@") > 1 or ("@" in name and "@" not in authority) or not all(map(_is_port, ports)):
        message = (
            "must be postgresql://user:password@host:port/name; in a password @ is %40, : %3A, / %2F, ? %3F, % %25"
        )
        raise ValueError(message)
    return value


def _is_port(text: str) -> bool:
    return not text or (text.isascii() and text.isdigit())


def authorities(value: object) -> object:
    """Refuse a file that no certificate can be checked with, before anything is claimed for sending.

    It is not parsed: that takes 20 ms, and most passes are idle.
    """
    if isinstance(value, str):
        try:
            with open(value, "rb") as file:  # noqa: PTH123 - a Path may not be made of whatever the environment holds
                usable = b"CERTIFICATE-----" in file.read(MAX_AUTHORITIES_BYTES)
        except OSError as error:
            message = f"must name a file of certificates in PEM ({error.strerror})"
            raise ValueError(message) from None
        if not usable:
            message = "must name a file of certificates in PEM (there is none in it)"
            raise ValueError(message)
    return value


def base_url(value: object) -> object:
    """Accept an address that requests can be sent below, without its trailing slashes."""
    if not isinstance(value, str):
        return value
    try:
        parts = urlsplit(value)
        usable = bool(parts.hostname) and parts.port != 0 and value.isprintable() and not set(" ?#") & set(value)
    except ValueError:
        usable = False
    if not usable or not value.startswith(("http://", "https://")):
        message = "must be an address such as https://host or http://host:port"
        raise ValueError(message)
    return value.rstrip("/")


def webhook_secret(value: object) -> object:
    """Refuse a secret that nothing can be signed with; each delivery would only find out one by one."""
    if isinstance(value, str):
        if value.isspace():  # Whoever guesses at all guesses that first.
            message = "must be more than blanks"
            raise ValueError(message)
        try:
            sign_standard(value, "id", 0, b"")
        except ValueError as error:  # that of a malformed whsec_ secret, and that of bytes that are no text
            message = "must be text; one that begins with whsec_ must go on as base64"
            raise ValueError(message) from error
    return value


def sealing_keys(value: object) -> object:
    """Take keys apart that stand on lines or between commas, and refuse one that is none."""
    if not isinstance(value, str):
        return value
    keys = re.split(r"[,\s]+", value.strip(", \t\r\n"))
    try:
        usable = all(len(base64.b64decode(one, altchars=b"-_", validate=True)) == KEY_BYTES for one in keys)
    except ValueError:
        usable = False
    if not usable:
        message = "must be a key as `batchctl webhook endpoint key` prints it, or several, parted by commas"
        raise ValueError(message)
    return ",".join(keys)


def key(value: object) -> object:
    """Refuse what cannot stand in a header."""
    if isinstance(value, str) and not (value.isascii() and value.isprintable() and " " not in value):
        message = "must be one line of printable ASCII without blanks"
        raise ValueError(message)
    return value


def waits(value: object) -> object:
    """Take `5,15,30` apart."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value
