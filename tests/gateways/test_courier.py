"""Webhook requests and what becomes of them (contract §5)."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
from standardwebhooks import Webhook

from batchctl import __version__
from batchctl.domain.endpoint import Signers
from batchctl.domain.webhook import (
    CourierPort,
    Delivered,
    Delivery,
    DeliveryAnswer,
    Gone,
    NotDelivered,
    Rejected,
)
from batchctl.domain.wire import Lost, LostKind, NotSent, NotSentKind, Outcome, Reply, Request
from batchctl.gateways.courier import Courier
from batchctl.gateways.http import ThreadedHttp

from .conftest import Serve
from .exchanges import carry
from .scripted import answer, answering

NOW = datetime(2026, 11, 24, 12, 0, 0, 500_000, tzinfo=UTC)
SECONDS = "1795521600"
BODY = '{"type":"batch.partial","reason":"Grüße"}'.encode()
OWN, OLD, DEFAULT = "own-secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZg==", "default-secret"


def make(
    *, allow_insecure: bool = False, allow_unsigned: bool = False, default_secret: str | None = DEFAULT
) -> CourierPort:
    """Build the courier under test."""
    return Courier(
        timeout_ms=5000,
        allow_insecure=allow_insecure,
        allow_unsigned=allow_unsigned,
        default_secret=default_secret,
        clock=lambda: NOW,
    )


def delivery(url: str = "https://hooks.example.test/in", secrets: Sequence[str] = ()) -> Delivery:
    """Build a delivery."""
    return Delivery(id="delivery-1", batch_id="batch-1", url=url, body=BODY, secrets=secrets)


def headers_of(built: Request | Rejected) -> dict[str, str]:
    """Return the headers of what must be a request."""
    assert isinstance(built, Request)
    return dict(built.headers)


def hex_of(secret: str) -> str:
    """Compute the legacy signature the long way."""
    return hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()


def test_request_is_complete() -> None:
    """A signed POST of the exact body with all headers of the contract, to public addresses only, cut at 64 KiB."""
    built = make().request(5, delivery(), NOW)
    assert isinstance(built, Request)
    assert (built.key, built.url, built.body) == (5, "https://hooks.example.test/in", BODY)
    assert (built.timeout_ms, built.max_bytes, built.public_only) == (5000, 65536, True)
    signature = built.headers["webhook-signature"]
    assert built.headers == {
        "content-type": "application/json",
        "user-agent": f"batchctl/{__version__}",
        "x-batch-id": "batch-1",
        "x-webhook-signature": hex_of(DEFAULT),
        "webhook-id": "delivery-1",
        "webhook-timestamp": SECONDS,
        "webhook-signature": signature,
    }


def test_own_secrets_replace_the_default() -> None:
    """The endpoint's first secret signs the legacy header, each of them the standard one, the default nothing."""
    headers = headers_of(make().request(1, delivery(secrets=[OWN, OLD]), NOW))
    assert headers["x-webhook-signature"] == hex_of(OWN)
    first, second = headers["webhook-signature"].split(" ")
    assert first == Webhook(OWN.encode()).sign("delivery-1", NOW, BODY.decode())
    assert second == Webhook(OLD).sign("delivery-1", NOW, BODY.decode())
    assert first != second


@pytest.mark.parametrize("secrets", [(), ("",), ("   ",), ("\t",)])
def test_without_own_secret_the_default_signs(secrets: Sequence[str]) -> None:
    """No secret, or an empty or blank one, means ENTERPRISE_WEBHOOK_SECRET."""
    headers = headers_of(make().request(1, delivery(secrets=secrets), NOW))
    assert headers["x-webhook-signature"] == hex_of(DEFAULT)


@pytest.mark.parametrize("default_secret", [None, ""])
def test_without_any_secret_nothing_is_sent_unless_allowed(default_secret: str | None) -> None:
    """An unsigned event is refused by default; where it is allowed no signature header is there at all."""
    assert make(default_secret=default_secret).request(1, delivery(), NOW) == Rejected(error="WEBHOOK_SECRET_MISSING")
    headers = headers_of(make(default_secret=default_secret, allow_unsigned=True).request(1, delivery(), NOW))
    assert {"webhook-id", "webhook-timestamp", "x-batch-id"} <= headers.keys()
    assert not {"x-webhook-signature", "webhook-signature"} & headers.keys()


def test_allowing_unsigned_does_not_unsign() -> None:
    """Where there is a secret it is used."""
    headers = headers_of(make(allow_unsigned=True).request(1, delivery(), NOW))
    assert headers["x-webhook-signature"] == hex_of(DEFAULT)


def test_no_value_shows_a_secret() -> None:
    """What may end up in a message, a delivery, its signers, its request or the courier, does not show the secret."""
    sent = delivery(secrets=[OWN])
    row = Signers(delivery_id=UUID(int=1), disabled_endpoint=None, secrets=[OWN])
    for value in (sent, row, make(), make().request(1, sent, NOW), make().request(1, delivery(), NOW)):
        assert not any(secret in f"{value} {value!r}" for secret in (OWN, DEFAULT))


def test_malformed_secret_is_a_clear_error() -> None:
    """A secret that cannot sign is named as such, and not shown."""
    built = make().request(1, delivery(secrets=["whsec_not base64!"]), NOW)
    assert isinstance(built, Rejected)
    assert built.error.startswith("WEBHOOK_SECRET_MALFORMED: ")
    assert "not base64!" not in built.error


@pytest.mark.parametrize(
    ("url", "allowed_in_development"),
    [
        ("http://hooks.example.test/", True),
        ("https://127.0.0.1/", True),
        ("https://user:pw@hooks.example.test/", False),
        ("not a url", False),
    ],
)
def test_forbidden_address_is_rejected(url: str, *, allowed_in_development: bool) -> None:
    """The rules for addresses hold for every try, and ALLOW_INSECURE opens exactly http and inner addresses."""
    strict = make().request(1, delivery(url), NOW)
    assert isinstance(strict, Rejected)
    assert strict.error.startswith("FORBIDDEN_URL: ")
    loose = make(allow_insecure=True).request(1, delivery(url), NOW)
    assert isinstance(loose, Request) is allowed_in_development
    assert not isinstance(loose, Request) or not loose.public_only


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        *((Reply(status=code, headers={}, body=b""), Delivered(status=code)) for code in (200, 201, 202, 204, 299)),
        (Reply(status=200, headers={}, body=b"x", truncated=True), Delivered(status=200, answer="x")),
        (Reply(status=410, headers={}, body=b"moved"), Gone(status=410, answer="moved")),
        *(
            (Reply(status=code, headers={}, body=b"no"), NotDelivered(status=code, error=f"HTTP {code}", answer="no"))
            for code in (101, 199, 300, 301, 302, 307, 308, 400, 404, 409, 429, 500, 502, 503, 504, 999)
        ),
        (
            Reply(status=429, headers={"retry-after": "30"}, body=b""),
            NotDelivered(status=429, error="HTTP 429", retry_after_s=30.0),
        ),
        (
            Reply(status=503, headers={"retry-after": "Tue, 24 Nov 2026 12:00:30 GMT"}, body=b""),
            NotDelivered(status=503, error="HTTP 503", retry_after_s=29.5),
        ),
        (Lost(kind=LostKind.TIMEOUT, detail="late"), NotDelivered(status=None, error="TIMEOUT: late")),
        (Lost(kind=LostKind.RESET, detail="gone"), NotDelivered(status=None, error="RESET: gone")),
        (NotSent(kind=NotSentKind.DNS, detail="no name"), NotDelivered(status=None, error="DNS: no name")),
        (
            NotSent(kind=NotSentKind.FORBIDDEN_ADDRESS, detail="inner"),
            NotDelivered(status=None, error="FORBIDDEN_ADDRESS: inner", blames_receiver=False),
        ),
    ],
)
def test_outcome_is_read(outcome: Outcome, expected: DeliveryAnswer) -> None:
    """2xx delivers, 410 ends, all else is a failed try; the beginning of the receiver's answer is kept."""
    assert make().read(outcome) == expected


@pytest.mark.parametrize("status", [200, 410, 500])
def test_answer_is_kept_without_secrets(status: int) -> None:
    """A receiver that repeats its secrets, the default one or its own, is quoted without them."""
    own = "whsec_c2VjcmV0IG9mIGEgY3VzdG9tZXIhIQ=="
    body = f"no fit: {DEFAULT} nor {own} nor {own.removeprefix('whsec_')}".encode()
    read = make().read(Reply(status=status, headers={"x": "never"}, body=body), [own])
    assert read.answer == "no fit: *** nor *** nor ***"


def test_receiver_can_verify_what_arrives(http: ThreadedHttp, serve: Serve) -> None:
    """Over a real connection the received bytes and headers verify, by both signatures."""
    server = serve(answering(answer(b"", status=204)))
    built = make(allow_insecure=True).request(1, delivery(server.url("/in"), [OLD]), datetime.now(UTC))  # noqa: TID251 - the library checks the age against the real clock
    assert isinstance(built, Request)
    assert make().read(carry(http, built)) == Delivered(status=204)
    (received,) = server.requests
    Webhook(OLD).verify(received.body, received.headers, json_parse=False)
    assert received.headers["x-webhook-signature"] == hex_of(OLD)
    assert received.headers["user-agent"] == f"batchctl/{__version__}"


def test_guard_of_the_client_stands_behind_the_courier(serve: Serve) -> None:
    """A public-looking name that leads inside ends without a connection, and the customer's row says why."""
    server = serve(answering(answer()))
    http = ThreadedHttp(1, resolve=lambda _host, _port, _timeout_s: ["127.0.0.1"])
    built = make().request(1, delivery(f"https://hooks.example.test:{server.port}/"), NOW)
    assert isinstance(built, Request)
    answered = make().read(carry(http, built))
    assert isinstance(answered, NotDelivered)
    assert answered.error.startswith("FORBIDDEN_ADDRESS: hooks.example.test is at 127.0.0.1")
    assert server.connections == 0
    http.close()
