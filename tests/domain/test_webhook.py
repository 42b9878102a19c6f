"""Signatures and event bodies (contract §5)."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from batchctl.domain.webhook import Event, MalformedSecretError, body, event_type, sign_legacy, sign_standard

TIMESTAMP = 1_700_000_000
AT = datetime.fromtimestamp(TIMESTAMP, UTC)


def event(status: str = "partial", reason: str | None = None) -> Event:
    """Build an event."""
    return Event(
        batch_id="b-1",
        user_id="u-1",
        status=status,
        total_count=3,
        success_count=2,
        failed_count=1,
        credits_spent=20,
        credits_refunded=10,
        reason=reason,
        timestamp_ms=1_700_000_000_000,
    )


def test_legacy_signature_of_the_worked_example() -> None:
    """The contract's own example."""
    signed = (
        b'{"batch_id":"b-1","user_id":"u-1","status":"partial","total_count":3,"success_count":2,'
        b'"failed_count":1,"credits_spent":20,"timestamp":1700000000000}'
    )
    assert sign_legacy("test-secret", signed) == "568fc076d89c5c9d7355029dba1ddb710dc4c3378f8c961bd53a56e280af6feb"


def test_legacy_signature_takes_the_secret_as_it_stands() -> None:
    """A `whsec_` secret is not decoded for the older header, and other scripts are UTF-8."""
    assert sign_legacy("whsec_YQ==", b"x") != sign_legacy("a", b"x")
    assert sign_legacy("密", b"x") != sign_legacy("?", b"x")


@given(key=st.binary(min_size=1, max_size=64), text=st.text(st.characters(codec="utf-8")))
def test_standard_signature_agrees_with_the_library(key: bytes, text: str) -> None:
    """Prefixed secrets, padded or not, and plain ones sign as standardwebhooks signs."""
    prefixed = "whsec_" + base64.b64encode(key).decode()
    expected = Webhook(key).sign("id-1", AT, text)
    assert sign_standard(prefixed, "id-1", TIMESTAMP, text.encode()) == expected
    assert sign_standard(prefixed.rstrip("="), "id-1", TIMESTAMP, text.encode()) == expected


def test_plain_secret_is_used_as_its_bytes() -> None:
    """A secret without the prefix is not decoded, though it might be base64."""
    assert sign_standard("c2VjcmV0", "id", 7, b"{}") == Webhook(b"c2VjcmV0").sign(
        "id", datetime.fromtimestamp(7, UTC), "{}"
    )


@pytest.mark.parametrize("rest", ["", "=", "====", "a", "not base64!", "YQ==YQ==", "YQ\n", "ümlaut", "-_-_"])
def test_malformed_secret_is_refused(rest: str) -> None:
    """What follows `whsec_` must be base64 of something; the error does not show it."""
    with pytest.raises(MalformedSecretError, match=r"must go on as base64$"):
        sign_standard(f"whsec_{rest}", "id", 1, b"")


@pytest.mark.parametrize(
    ("status", "name"),
    [("completed", "batch.completed"), ("partial", "batch.partial"), ("failed", "batch.failed")],
)
def test_event_is_named_after_the_end(status: str, name: str) -> None:
    """Each end of a batch has its event."""
    assert event_type(status) == name
    assert json.loads(body(event(status)))["type"] == name


@pytest.mark.parametrize("status", ["queued", "processing", "", "COMPLETED"])
def test_what_is_no_end_has_no_event(status: str) -> None:
    """Nobody is told of a batch that goes on."""
    with pytest.raises(ValueError, match="does not end as"):
        body(event(status))


def test_body_is_exact() -> None:
    """Compact JSON, the keys in the contract's order, `type` first, text in UTF-8."""
    assert body(event(reason='余额\n"x"')).decode() == (
        '{"type":"batch.partial","batch_id":"b-1","user_id":"u-1","status":"partial","total_count":3,'
        '"success_count":2,"failed_count":1,"credits_spent":20,"credits_refunded":10,'
        '"reason":"余额\\n\\"x\\"","timestamp":1700000000000}'
    )
    assert json.loads(body(event()))["reason"] is None


@given(st.text(st.characters()))
@example("\ud800")
def test_any_reason_can_be_written(reason: str) -> None:
    """No text, lone surrogates included, keeps an event from being valid JSON in UTF-8."""
    read = json.loads(body(event(reason=reason)).decode("utf-8"))["reason"]
    assert read == reason.encode("utf-8", "replace").decode("utf-8")
