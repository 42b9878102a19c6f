"""What a try says of its endpoint, and what a secret looks like that is made here."""

import base64
from random import Random
from uuid import UUID

import pytest

from batchctl.domain.delivery import DeliveryRecord, DeliveryStatus
from batchctl.domain.endpoint import Verdict, new_secret, verdict
from batchctl.domain.webhook import sign_standard


@pytest.mark.parametrize(
    ("status", "status_code", "blames_receiver", "said"),
    [
        ("sent", 204, True, Verdict.TAKEN),
        ("failed", 410, True, Verdict.GONE),
        ("retrying", 500, True, Verdict.FAILED),
        ("retrying", None, True, Verdict.FAILED),
        ("failed", 500, True, Verdict.GIVEN_UP),
        ("failed", None, True, Verdict.UNREACHED),
        ("retrying", None, False, None),
        ("failed", None, False, None),
    ],
)
def test_verdict(status: str, status_code: int | None, said: Verdict | None, *, blames_receiver: bool) -> None:
    """What our own rules forbade says nothing; no answer is less than a bad one; 410 is the last word."""
    record = DeliveryRecord(
        id=UUID(int=1),
        attempt=1,
        status=DeliveryStatus(status),
        duration_ms=1,
        status_code=status_code,
        blames_receiver=blames_receiver,
    )
    assert verdict(record) is said


def test_new_secret_is_one_of_standard_webhooks() -> None:
    """whsec_ and 32 bytes in base64, each time others."""
    random = Random(1)
    secrets = [new_secret(random) for _ in range(3)]
    assert len(set(secrets)) == 3
    assert {len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) for secret in secrets} == {32}
    assert sign_standard(secrets[0], "id", 0, b"").startswith("v1,")
