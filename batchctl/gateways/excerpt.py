"""What is kept of an answer: its beginning, without secrets, and harmless to store and to show."""

import re
from collections.abc import Iterable
from functools import lru_cache

LONGEST = 500
"""Characters that are kept of an answer."""
SHORTEST_SECRET = 8
"""A shorter one is part of ordinary words."""


def excerpt(body: bytes, secrets: Iterable[str]) -> str | None:
    """Return the beginning of an answer as one line without any of the secrets; None for an empty one."""
    text = body.decode("utf-8", "replace")
    for secret in secrets:
        for part in (secret, secret.removeprefix("whsec_")):
            if len(part) >= SHORTEST_SECRET:
                text = _found(part).sub("***", text)
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:LONGEST] or None


@lru_cache(maxsize=64)
def _found(secret: str) -> "re.Pattern[str]":
    """Return what finds a secret, in any case and percent-encoded too."""
    written = (f"(?:{re.escape(char)}|{_encoded(char)})" for char in secret)
    return re.compile("".join(written), re.IGNORECASE)


def _encoded(char: str) -> str:
    return "".join(f"%{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))
