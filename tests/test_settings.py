"""Each variable of the environment reaches what it is for, and nothing else (contract §3)."""

import traceback
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from batchctl.domain.limits import Limits, OrphanPolicy
from batchctl.domain.problem import ConfigProblem
from batchctl.domain.provider import Submission
from batchctl.domain.webhook import Delivery
from batchctl.domain.wire import Request
from batchctl.settings import Settings, is_secret, names_of, read_settings
from batchctl.vault import FernetVault
from batchctl.wiring import open_world

if TYPE_CHECKING:
    from pydantic import SecretStr

NUMBERS = {
    "BATCH_WORKER_MAX_CLAIM": "2",
    "BATCH_WORKER_MAX_START_TASKS_PER_BATCH": "3",
    "BATCH_WORKER_MAX_POLL": "4",
    "BATCH_WORKER_MAX_SETTLE": "6",
    "BATCH_MAX_POLL_COUNT": "7",
    "BATCH_MAX_SUBMIT_ATTEMPTS": "8",
    "BATCH_MAX_IN_FLIGHT": "9",
    "BATCH_CLAIM_TIMEOUT_SECONDS": "900",
    "BATCH_ORPHAN_POLICY": "resubmit",
    "BATCH_ORPHAN_HOLD_SECONDS": "11",
    "BATCH_TASK_DEADLINE_SECONDS": "12",
    "BATCH_POLL_BACKOFF_SECONDS": "1, 2.5,4",
    "BATCH_INCOMPLETE_TIMEOUT_SECONDS": "13",
    "GRSAI_TIMEOUT_MS": "1400",
    "ENTERPRISE_WEBHOOK_TIMEOUT_MS": "1500",
    "ENTERPRISE_WEBHOOK_RETRIES": "16",
    "ENTERPRISE_WEBHOOK_SLOW_RETRIES": "17",
}
TASK = Submission(
    task_id="t-1",
    model=None,
    prompt="a",
    reference_url=None,
    aspect_ratio=None,
    duration=None,
    size=None,
    meta=None,
)


def test_each_variable_is_its_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """No two limits are exchanged, and none is forgotten."""
    for name, value in NUMBERS.items():
        monkeypatch.setenv(name, value)

    assert read_settings().limits == Limits(
        max_claim=2,
        max_start_per_batch=3,
        max_poll=4,
        max_settle=6,
        max_poll_count=7,
        max_submit_attempts=8,
        max_in_flight=9,
        claim_timeout=timedelta(seconds=900),
        orphan_policy=OrphanPolicy.RESUBMIT,
        orphan_hold=timedelta(seconds=11),
        task_deadline=timedelta(seconds=12),
        poll_waits_s=(1.0, 2.5, 4.0),
        incomplete_timeout=timedelta(seconds=13),
        provider_timeout_ms=1400,
        webhook_timeout_ms=1500,
        webhook_quick_retries=16,
        webhook_slow_retries=17,
    )


def test_defaults_are_those_of_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset and empty mean the same: the contract's defaults."""
    for name in NUMBERS:
        monkeypatch.setenv(name, "")

    assert read_settings().limits == Limits()
    assert read_settings().grsai_host == "https://grsai.dakka.com.cn"
    assert read_settings().provider_concurrency == 20


def test_a_claim_outlives_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """BATCH_CLAIM_TIMEOUT_SECONDS is at least the request's deadline and 2 s."""
    monkeypatch.setenv("BATCH_CLAIM_TIMEOUT_SECONDS", "1")

    assert read_settings().limits.claim_timeout == timedelta(seconds=62)


def test_gateways_get_their_settings(monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    """Host, callback address, timeouts and the permission to send unsigned reach the requests that are built."""
    for name, value in {
        "BATCHCTL_DATABASE_URL": dsn,
        "GRSAI_HOST": "https://provider.example/v1/",
        "GRSAI_API_KEY": "sk-1",
        "GRSAI_TIMEOUT_MS": "1400",
        "BATCH_PROVIDER_CONCURRENCY": "3",
        "BATCH_CALLBACK_BASE_URL": "https://shop.example/",
        "ENTERPRISE_WEBHOOK_TIMEOUT_MS": "1500",
        "ENTERPRISE_WEBHOOK_ALLOW_UNSIGNED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    delivery = Delivery(id="d", batch_id="b", url="https://customer.example", body=b"{}", secrets=[])

    with open_world(read_settings()) as world:
        submission = world.need_provider().submission(1, TASK)
        webhook = world.courier.request(1, delivery, world.clock())

        assert (submission.url, submission.timeout_ms) == ("https://provider.example/v1/video/sora-video", 1400)
        assert b'"https://shop.example/api/video/callback?task_id=t-1"' in submission.body
        assert world.provider_http.places == 3
        assert world.signs_by_default
        assert isinstance(webhook, Request)
        assert webhook.timeout_ms == 1500
        assert webhook.public_only


SECRETS = {
    "BATCHCTL_DATABASE_URL": "database_url",
    "DATABASE_URL": "database_url",
    "GRSAI_API_KEY": "grsai_api_key",
    "ENTERPRISE_WEBHOOK_SECRET": "webhook_secret",
    "ENTERPRISE_WEBHOOK_SECRETS_KEY": "secrets_key",
    "INTERNAL_WORKER_SECRET": "worker_secret",
}
"""Every variable that holds a secret, and the setting that it becomes."""
MARK = "MARKED-7f3a"
VALUE = f"{MARK}{'A' * 32}="
"""A value that every one of them can have."""


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Give an environment in which no secret is set."""
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    return monkeypatch


def secret(setting: str) -> str | None:
    """Return what a secret setting has become."""
    value: SecretStr | None = getattr(read_settings(), setting)
    return None if value is None else value.get_secret_value()


def problem() -> str:
    """Return the problem with the settings, which no traceback says more about and which shows no secret."""
    with pytest.raises(ConfigProblem) as raised:
        read_settings()
    told = "".join(traceback.format_exception(raised.value))
    assert MARK not in told
    return str(raised.value)


def test_every_secret_is_known() -> None:
    """The table of this test names each setting that is a secret: a new one must stand in it."""
    fields = Settings.model_fields.items()
    assert {name: setting for setting, field in fields if is_secret(field) for name in names_of(field)} == SECRETS


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\n\n"])
def test_secret_from_a_file(unset: pytest.MonkeyPatch, tmp_path: Path, name: str, ending: bytes) -> None:
    """NAME_FILE says where NAME stands; the line end that an editor put there is no part of it."""
    file = tmp_path / "a secret"
    file.write_bytes(VALUE.encode() + ending)
    unset.setenv(f"{name}_FILE", str(file))

    assert secret(SECRETS[name]) == VALUE


def test_secret_in_a_file_stands_as_it_is(unset: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Blanks at its ends and letters beyond ASCII belong to a webhook secret; a byte order mark does not."""
    file = tmp_path / "secret"
    file.write_bytes(b"\xef\xbb\xbf" + " sécret ключ ".encode())
    unset.setenv("ENTERPRISE_WEBHOOK_SECRET_FILE", str(file))

    assert secret("webhook_secret") == " sécret ключ "


@pytest.mark.parametrize("name", SECRETS)
def test_empty_name_of_a_file_counts_as_unset(unset: pytest.MonkeyPatch, name: str) -> None:
    """An empty NAME_FILE beside a NAME, or an empty NAME, says nothing (contract §3)."""
    unset.setenv(name, VALUE)
    unset.setenv(f"{name}_FILE", "")
    assert secret(SECRETS[name]) == VALUE

    unset.setenv(name, "")
    assert secret(SECRETS[name]) is None


@pytest.mark.parametrize("name", SECRETS)
def test_secret_given_in_both_ways(unset: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """Nobody has to guess which of two secrets counts."""
    unset.setenv(name, VALUE)
    unset.setenv(f"{name}_FILE", str(tmp_path / "unread"))

    assert problem() == f"{name} and {name}_FILE are both set: unset one of them"


@pytest.mark.parametrize("first", ["BATCHCTL_DATABASE_URL", "BATCHCTL_DATABASE_URL_FILE"])
@pytest.mark.parametrize("second", ["DATABASE_URL", "DATABASE_URL_FILE"])
def test_own_database_variable_comes_first(unset: pytest.MonkeyPatch, tmp_path: Path, first: str, second: str) -> None:
    """BATCHCTL_DATABASE_URL counts before DATABASE_URL, however each is given, and then the other is not even read."""
    (tmp_path / "first").write_text(MARK)
    unset.setenv(first, str(tmp_path / "first") if first.endswith("_FILE") else MARK)
    unset.setenv(second, str(tmp_path / "missing"))

    assert secret("database_url") == MARK


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    ("content", "broken"),
    [
        (b"", "is empty"),
        (b"\r\n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (MARK.encode() + b"\xff", "does not hold text in UTF-8"),
        (MARK.encode("utf-16"), "does not hold text in UTF-8"),
        (MARK.encode() + b"\x00", "holds a NUL byte"),
        (MARK.encode() * 6000, "is larger than 64 kB"),
    ],
    ids=["empty", "only line ends", "only a mark", "no UTF-8", "UTF-16", "NUL", "large"],
)
def test_file_without_a_usable_secret(
    unset: pytest.MonkeyPatch, tmp_path: Path, name: str, content: bytes, broken: str
) -> None:
    """The variable, the path and what is wrong are said, the content is not."""
    file = tmp_path / "secret"
    file.write_bytes(content)
    unset.setenv(f"{name}_FILE", str(file))

    assert problem() == f"{name}_FILE: {file} {broken}"


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nowhere/secret", "No such file or directory"),
        ("/", "Is a directory"),
        ("/dev/null/secret", "Not a directory"),
        ("/proc/self/mem", "Input/output error"),
    ],
)
def test_file_that_cannot_be_read(unset: pytest.MonkeyPatch, name: str, path: str, reason: str) -> None:
    """The variable, the path and the system's reason are said."""
    unset.setenv(f"{name}_FILE", path)

    assert problem() == f"{name}_FILE: cannot read {path}: {reason}"


def test_file_without_end_is_not_read_to_its_end(unset: pytest.MonkeyPatch) -> None:
    """A device that never ends takes neither memory nor time."""
    unset.setenv("GRSAI_API_KEY_FILE", "/dev/zero")

    assert problem() == "GRSAI_API_KEY_FILE: /dev/zero is larger than 64 kB"


@pytest.mark.parametrize("value", [MARK, f"postgresql://u:{MARK}@h/db", f"./{MARK}", f"whsec_{MARK}/x"])
@pytest.mark.parametrize("name", SECRETS)
def test_secret_in_the_place_of_a_path_is_not_shown(unset: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Who confuses NAME and NAME_FILE does not find the secret in a log."""
    unset.setenv(f"{name}_FILE", value)

    assert problem() == f"{name}_FILE must be the absolute path of a file"


def test_rules_hold_for_secrets_from_files(unset: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What may not stand in the variable may not stand in its file, and the one that was used is named."""
    file = tmp_path / "key"
    file.write_text(f"{MARK}\n{MARK}")
    unset.setenv("GRSAI_API_KEY_FILE", str(file))

    assert problem() == "wrong settings: GRSAI_API_KEY_FILE: must be one line of printable ASCII without blanks"


@pytest.mark.parametrize("name", ["BATCHCTL_DATABASE_URL", "DATABASE_URL"])
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{MARK}/x@h/db",
        f"postgresql://u:x/{MARK}@h/db",
        f"postgresql://u:x@{MARK}@h/db",
        f"postgres://u:x@{MARK}@h",
        f"postgresql://u:{MARK}?x@h/db",
        f"postgresql://u:{MARK}",
        f"postgresql://u:{MARK}/db",
        f"postgresql://u:p@h:{MARK}/db",
        f"postgresql://u:p@h:5432,[::1]:{MARK}/db",
    ],
)
def test_url_that_libpq_would_quote_parts_of(unset: pytest.MonkeyPatch, name: str, url: str) -> None:
    """A password that is not percent-encoded ends up in the host or the port, which libpq's errors quote."""
    unset.setenv(name, url)

    told = problem()

    assert told.startswith(f"wrong settings: {name}: must be postgresql://user:password@host:port/name")
    assert "%2F" in told


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p%40%2F%3F%3A@h/db",
        "postgresql://u:p:q@h:5432/db",
        "postgresql://u@h1:1,h2:2,[::1]:3/db?application_name=a@b:c",
        "postgresql://u:p@[2001:db8::1]/db",
        "postgresql://u@%2Frun%2Fpostgresql/db",
        "postgresql:///db?host=/run/postgresql",
        "postgresql://",
        "host=h password='a@b/c:d' dbname=db",
        "embedded:/var/lib/x:y@z",
    ],
)
def test_every_proper_form_of_a_database_url_is_taken(unset: pytest.MonkeyPatch, url: str) -> None:
    """What libpq reads as it was meant is passed on as it stands."""
    unset.setenv("DATABASE_URL", url)

    assert secret("database_url") == url


def test_database_url_that_is_no_text(unset: pytest.MonkeyPatch) -> None:
    """Bytes that are not UTF-8 are a wrong setting and not a bug of the program."""
    unset.setenv("DATABASE_URL", f"postgresql://u:{MARK}\udcff@h/db")

    assert problem() == "wrong settings: DATABASE_URL: must be text in UTF-8"


@pytest.mark.parametrize("name", ["GRSAI_HOST", "BATCH_CALLBACK_BASE_URL"])
@pytest.mark.parametrize("value", [f"https://h/{MARK}?x", f"https://h/#{MARK}", f"ftp://{MARK}", f"https://{MARK} x"])
def test_base_url_that_nothing_can_be_sent_below(unset: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A path cannot be put behind a query or a fragment."""
    unset.setenv(name, value)

    assert problem() == f"wrong settings: {name}: must be an address such as https://host or http://host:port"


def test_provider_host_takes_no_password(unset: pytest.MonkeyPatch) -> None:
    """It would be sent instead of the key, stand beside each task in the database, and in errors."""
    unset.setenv("GRSAI_HOST", f"https://u:{MARK}@provider.example")

    assert problem() == "wrong settings: GRSAI_HOST: must not contain a user name or password"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file or directory"), ("", "there is none in it"), ("PEM", "there is none in it")],
)
def test_authorities_that_cannot_be_used(
    unset: pytest.MonkeyPatch, tmp_path: Path, content: str | None, reason: str
) -> None:
    """SSL_CERT_FILE is tried when settings are read, not when something has been claimed for sending."""
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    unset.setenv("SSL_CERT_FILE", str(file))

    assert problem() == f"wrong settings: SSL_CERT_FILE: must name a file of certificates in PEM ({reason})"


@pytest.mark.parametrize("parted", [",", ", ", "\n", " ,\r\n "])
def test_keys_that_seal_secrets(unset: pytest.MonkeyPatch, parted: str) -> None:
    """One or several, between commas or on lines; the first one seals. Without one nothing is sealed or opened."""
    assert read_settings().secrets_keys == ()
    keys = VALUE, "A" * 43 + "="
    unset.setenv("ENTERPRISE_WEBHOOK_SECRETS_KEY", parted.join(keys) + parted)

    assert read_settings().secrets_keys == keys


@pytest.mark.parametrize(
    "value", [MARK, "A" * 44, f"{VALUE},{MARK}", f"{VALUE}{VALUE}", f"{VALUE},,{MARK}", ",", VALUE.replace("A", "é")]
)
def test_key_that_seals_nothing(unset: pytest.MonkeyPatch, value: str) -> None:
    """It is found when settings are read, and the message says where a key comes from."""
    unset.setenv("ENTERPRISE_WEBHOOK_SECRETS_KEY", value)

    assert problem() == (
        "wrong settings: ENTERPRISE_WEBHOOK_SECRETS_KEY: must be a key as `batchctl webhook endpoint key` prints it,"
        " or several, parted by commas"
    )


def test_secrets_are_opened_with_the_keys_of_the_settings(unset: pytest.MonkeyPatch, dsn: str) -> None:
    """The worker's vault is that of ENTERPRISE_WEBHOOK_SECRETS_KEY."""
    unset.setenv("BATCHCTL_DATABASE_URL", dsn)
    unset.setenv("ENTERPRISE_WEBHOOK_SECRETS_KEY", f"{VALUE},{'A' * 43}=")
    with open_world(read_settings()) as world:
        assert world.vault.open(FernetVault(["A" * 43 + "="]).seal("a secret")) == "a secret"
        assert FernetVault([VALUE]).open(world.vault.seal("a secret")) == "a secret"
