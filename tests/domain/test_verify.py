"""Checking a webhook as its receiver does: what fits is accepted, and for what does not the reason is guessed."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchctl.domain.verify import LEGACY, STANDARD, Received, VerifyReport, verify
from batchctl.domain.webhook import MalformedSecretError, sign_legacy, sign_standard

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)
AT = int(NOW.timestamp())
RAW, ENCODED = "a plain secret", "whsec_" + base64.b64encode(b"the secret of a customer").decode()
EVENT: dict[str, Any] = {"type": "batch.failed", "batch_id": "b-1", "reason": "dépassé", "timestamp": 1_700_000_000_000}
BODY = json.dumps(EVENT, separators=(",", ":"), ensure_ascii=False).encode()
ID = "4f2f3cf4-0000-4000-8000-000000000001"


def signed(secret: str, body: bytes = BODY, at: int = AT, webhook_id: str = ID) -> dict[str, str]:
    """Return the headers that go with a body."""
    return {
        LEGACY: sign_legacy(secret, body),
        "webhook-id": webhook_id,
        "webhook-timestamp": str(at),
        STANDARD: sign_standard(secret, webhook_id, at, body),
    }


def check(headers: dict[str, str], secret: str = RAW, body: bytes = BODY) -> VerifyReport:
    """Check a webhook at noon."""
    return verify(Received(body=body, headers=headers), secret, NOW)


def fits(report: VerifyReport) -> list[str]:
    """Return what the two headers came to."""
    return [str(one.fit) for one in report.checks]


@pytest.mark.parametrize("secret", [RAW, ENCODED])
def test_ours_is_accepted(secret: str) -> None:
    """Both headers, or any one of them; without the trio there is no timestamp to judge."""
    headers = signed(secret)
    both = check(headers, secret)
    assert (both.accepted, both.reason, both.age_s, fits(both)) == (True, None, 0, ["valid", "valid"])
    assert fits(check({LEGACY: headers[LEGACY]}, secret)) == ["valid", "missing"]
    alone = check({name: value for name, value in headers.items() if name != LEGACY}, secret)
    assert (alone.accepted, fits(alone)) == (True, ["missing", "valid"])


def test_contracts_example() -> None:
    """Contract §5, the hex header."""
    body = (
        b'{"batch_id":"b-1","user_id":"u-1","status":"partial","total_count":3,"success_count":2,"failed_count":1,'
        b'"credits_spent":20,"timestamp":1700000000000}'
    )
    headers = {LEGACY: "568fc076d89c5c9d7355029dba1ddb710dc4c3378f8c961bd53a56e280af6feb"}
    assert check(headers, "test-secret", body).accepted


def test_one_of_several_signatures_is_enough() -> None:
    """While a secret is rotated each secret in force has signed."""
    headers = signed(RAW)
    headers[STANDARD] = f"v1,bm8= v1a,asym {headers[STANDARD]}"
    report = check(headers)
    assert (report.accepted, report.checks[1].detail) == (True, "one of 3 signatures")


@pytest.mark.parametrize(("age_s", "accepted"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_timestamp_has_a_tolerance(age_s: int, accepted: bool) -> None:  # noqa: FBT001 - a case of a table
    """Five minutes either way; what is older may be a replay, and is refused though its signature fits."""
    report = check(signed(RAW, at=AT - age_s))
    assert (report.accepted, report.age_s, fits(report)) == (accepted, age_s, ["valid", "valid"])
    assert (report.reason is None) is accepted


def key_of(key: bytes) -> dict[str, str]:
    """Return headers that were signed with a key, by somebody who took the wrong one."""
    signed_by = hmac.new(key, f"{ID}.{AT}.".encode() + BODY, hashlib.sha256).digest()
    return {
        LEGACY: hmac.new(key, BODY, hashlib.sha256).hexdigest(),
        "webhook-id": ID,
        "webhook-timestamp": str(AT),
        STANDARD: "v1," + base64.b64encode(signed_by).decode(),
    }


BARE = ENCODED.removeprefix("whsec_")
INDENTED = json.dumps(EVENT, indent=2).encode()


@pytest.mark.parametrize(
    ("headers", "secret", "body", "reason"),
    [
        (key_of(ENCODED.encode()), ENCODED, BODY, "what follows whsec_ is base64, to be decoded"),
        (key_of(BARE.encode()), ENCODED, BODY, "it was signed without whsec_"),
        (key_of(base64.b64decode(BARE)), ENCODED, BODY, "here the key is its text as it stands"),
        (signed(ENCODED), BARE, BODY, "the secret begins with whsec_"),
        (signed(RAW), f" {RAW}\t", BODY, "the secret has blanks around it"),
        (signed(RAW), RAW, BODY + b"\n", "the body has a line end that was not sent"),
        (signed(RAW, BODY + b"\n"), RAW, BODY, "the body lacks its line end"),
        (signed(RAW), RAW, INDENTED, "the body was parsed and written anew"),
        (signed(RAW), RAW, json.dumps(EVENT, sort_keys=True).encode(), "the body was parsed and written anew"),
        (signed(RAW), f"{RAW} ", INDENTED, "blanks around it; the body was parsed"),
        (signed(RAW) | {"webhook-id": "b-1"}, RAW, BODY, "webhook-id or webhook-timestamp is not that of this"),
        (signed(RAW) | {"webhook-timestamp": f"{AT}123"}, RAW, BODY, "webhook-timestamp is in milliseconds"),
        (signed(RAW) | {LEGACY: sign_legacy(RAW, BODY).upper()}, RAW, BODY, "the hex digits are lower-case"),
        ({LEGACY: signed(RAW)[STANDARD]}, RAW, BODY, "this is a value of webhook-signature"),
        (signed(RAW) | {STANDARD: "bm8="}, RAW, BODY, "each signature begins with v1,"),
        ({STANDARD: signed(RAW)[STANDARD]}, RAW, BODY, "it takes webhook-id and webhook-timestamp too"),
        (signed(RAW), "mine", BODY, "it is another secret, or the body is not the bytes that were sent"),
        (signed(RAW), RAW, b"not JSON", "it is another secret, or the body is not the bytes that were sent"),
        ({}, RAW, BODY, "there is no signature"),
        ({LEGACY: sign_legacy(RAW, BODY), "webhook-timestamp": "soon"}, RAW, BODY, "no number of seconds"),
    ],
)
def test_reason_is_guessed(headers: dict[str, str], secret: str, body: bytes, reason: str) -> None:
    """What people really do: another key, another body, another header; and what remains is said plainly."""
    report = check(headers, secret, body)
    assert not report.accepted
    assert reason in (report.reason or "")
    assert secret.strip() not in (report.reason or "").replace("the secret", "")


def test_malformed_secret_cannot_check_anything() -> None:
    """A whsec_ secret that is not base64 is the operator's slip, not the sender's."""
    with pytest.raises(MalformedSecretError):
        check(signed(RAW), "whsec_not base64!")


@given(
    body=st.binary(max_size=200),
    secret=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(lambda text: text[:6] != "whsec_"),
    header=st.text(max_size=60),
)
def test_nothing_that_strangers_write_breaks_it(body: bytes, secret: str, header: str) -> None:
    """Any bytes, any header: an answer, and never that it is accepted; what we sign always is."""
    names = (LEGACY, "webhook-id", "webhook-timestamp", STANDARD)
    assert not verify(Received(body=body, headers=dict.fromkeys(names, header)), secret, NOW).accepted
    assert check(signed(secret, body), secret, body).accepted
