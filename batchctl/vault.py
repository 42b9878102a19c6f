"""The vault of customers' webhook secrets: AES and HMAC by Fernet, with the keys of the settings."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

from batchctl.domain.problem import ConfigProblem
from batchctl.domain.vault import KEY_BYTES, SEALED, UnreadableSecretError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_FINGERPRINT = b"batchctl webhook secret: "
_NO_PACKAGE = "the package cryptography is not installed: pip install 'batchctl[secrets]'"


def new_key(random: Random) -> str:
    """Make a key; `random` must be the system's."""
    return base64.urlsafe_b64encode(random.randbytes(KEY_BYTES)).decode()


class FernetVault:
    """Implements `domain.vault.Vault`: the first key seals, each of them opens. It never shows a key."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys of ENTERPRISE_WEBHOOK_SECRETS_KEY; there may be none."""
        self._keys = keys

    def seal(self, secret: str) -> str:
        """Seal a secret with the first key."""
        self._need_key()
        if self._box is None:
            raise ConfigProblem(f"customers' secrets cannot be sealed: {_NO_PACKAGE}")
        return SEALED + self._box.encrypt(secret.encode()).decode()

    def open(self, kept: str) -> str:
        """Open a secret with whichever key fits."""
        if not kept.startswith(SEALED):
            return kept
        if not self._keys:
            raise UnreadableSecretError("ENTERPRISE_WEBHOOK_SECRETS_KEY is not set")
        if self._box is None:
            raise UnreadableSecretError(_NO_PACKAGE)
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - it is there, for the box is

        try:
            return self._box.decrypt(kept.removeprefix(SEALED).encode()).decode()
        except (InvalidToken, UnicodeError):
            # Not from it: a traceback would lead to what was opened.
            raise UnreadableSecretError("no key of ENTERPRISE_WEBHOOK_SECRETS_KEY opens it") from None

    def fingerprint(self, secret: str) -> str:
        """Digest a secret under the first key, so that nobody without it can try out what the secret might be."""
        self._need_key()
        return hmac.new(self._keys[0].encode(), _FINGERPRINT + secret.encode(), hashlib.sha256).hexdigest()[:8]

    def _need_key(self) -> None:
        if not self._keys:
            message = (
                "ENTERPRISE_WEBHOOK_SECRETS_KEY is not set, which seals customers' secrets: "
                "`batchctl webhook endpoint key` makes one; keep it well, and give it to every worker"
            )
            raise ConfigProblem(message)

    @cached_property
    def _box(self) -> "MultiFernet | None":
        """All keys as one; None without the package, which is imported when it is first needed."""
        try:
            from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 - most passes need no such secret
        except ImportError:
            return None
        return MultiFernet([Fernet(key) for key in self._keys])
