"""How customers' secrets are kept: sealed with a key that is not in the database, and opened only to sign."""

from typing import Protocol

SEALED = "sealed:"
"""Begins each secret that is kept sealed; what begins otherwise stands as it is."""
KEY_BYTES = 32
"""The length of a key."""


class UnreadableSecretError(Exception):
    """A sealed secret cannot be opened; the message says why, and nothing of the secret."""


class Vault(Protocol):
    """Seals and opens secrets."""

    def seal(self, secret: str) -> str:
        """Return a secret as it may be kept; ConfigProblem when there is no key for that."""
        ...

    def open(self, kept: str) -> str:
        """Return the secret that is kept as this, or stands there as it is; UnreadableSecretError if it cannot."""
        ...

    def fingerprint(self, secret: str) -> str:
        """Return 8 digits that tell secrets apart and say nothing of them; ConfigProblem when there is no key."""
        ...
