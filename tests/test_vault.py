"""How customers' secrets are sealed, and what opens them."""

import subprocess
import sys
import traceback
from random import SystemRandom

import pytest
from cryptography.fernet import Fernet

from batchctl.domain.problem import ConfigProblem
from batchctl.domain.vault import UnreadableSecretError
from batchctl.vault import FernetVault, new_key

ONE, TWO = new_key(SystemRandom()), new_key(SystemRandom())
SECRET = "MARKED sécret ключ"


def test_what_is_sealed_is_opened() -> None:
    """It is recognised, is another text each time, and holds nothing of the secret."""
    vault = FernetVault([ONE])
    kept = [vault.seal(SECRET) for _ in range(3)]
    assert len(set(kept)) == 3
    assert all(one.startswith("sealed:") and one.isascii() and "MARKED" not in one for one in kept)
    assert {vault.open(one) for one in kept} == {SECRET}
    assert Fernet(ONE).decrypt(kept[0].removeprefix("sealed:")) == SECRET.encode()


def test_the_first_key_seals_and_each_opens() -> None:
    """So keys can be changed: the new one goes in front."""
    old, both, new = FernetVault([ONE]), FernetVault([TWO, ONE]), FernetVault([TWO])
    assert both.open(old.seal(SECRET)) == SECRET
    assert new.open(both.seal(SECRET)) == SECRET
    with pytest.raises(UnreadableSecretError):
        old.open(both.seal(SECRET))


@pytest.mark.parametrize("keys", [[], [TWO]])
def test_what_is_not_sealed_stands_as_it_is(keys: list[str]) -> None:
    """Secrets of another program's function need no key."""
    assert FernetVault(keys).open(SECRET) == SECRET


@pytest.mark.parametrize(
    ("keys", "reason"),
    [([], "ENTERPRISE_WEBHOOK_SECRETS_KEY is not set"), ([TWO], "no key of ENTERPRISE_WEBHOOK_SECRETS_KEY opens it")],
)
def test_why_it_cannot_be_opened(keys: list[str], reason: str) -> None:
    """The reason is said, and nothing of the secret or of a key, in a traceback either."""
    kept = FernetVault([ONE]).seal(SECRET)
    with pytest.raises(UnreadableSecretError, match=reason) as caught:
        FernetVault(keys).open(kept)
    told = "".join(traceback.format_exception(caught.value))
    assert not any(word in told for word in ("MARKED", ONE, TWO, kept.removeprefix("sealed:")))


def test_without_a_key_nothing_is_sealed() -> None:
    """The error is one of configuration, and says how to make a key."""
    vault = FernetVault([])
    for act in (vault.seal, vault.fingerprint):
        with pytest.raises(ConfigProblem, match="`batchctl webhook endpoint key` makes one") as caught:
            act(SECRET)
        assert "MARKED" not in "".join(traceback.format_exception(caught.value))


def test_fingerprints_tell_secrets_apart_and_hang_on_the_key() -> None:
    """Eight digits, the same for the same secret; without the key they cannot be computed for a guess."""
    vault = FernetVault([ONE])
    assert vault.fingerprint(SECRET) == vault.fingerprint(SECRET)
    assert len({vault.fingerprint(SECRET), vault.fingerprint("another"), FernetVault([TWO]).fingerprint(SECRET)}) == 3
    assert len(vault.fingerprint(SECRET)) == 8


def test_vault_shows_no_key() -> None:
    """Whoever prints it."""
    assert ONE not in f"{FernetVault([ONE])} {FernetVault([ONE])!r}"


WITHOUT_PACKAGE = """
import sys
sys.modules["cryptography"] = None
from batchctl.domain.problem import ConfigProblem
from batchctl.domain.vault import UnreadableSecretError
from batchctl.vault import FernetVault, new_key
from random import SystemRandom

vault = FernetVault([new_key(SystemRandom())])
assert vault.open("plain") == "plain"
for act, error in ((lambda: vault.seal("x"), ConfigProblem), (lambda: vault.open("sealed:x"), UnreadableSecretError)):
    try:
        act()
    except error as caught:
        print(caught)
"""


def test_without_the_package_all_else_works() -> None:
    """It is an extra: whoever needs it is told what to install."""
    command = [sys.executable, "-c", WITHOUT_PACKAGE]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("pip install 'batchctl[secrets]'") == 2


def test_package_is_loaded_only_where_it_is_needed() -> None:
    """A pass that signs with the default secret does without it."""
    code = "import sys; import batchctl.wiring; print('cryptography' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
