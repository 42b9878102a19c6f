"""What a check of a signature, and a ping, look like."""

from dataclasses import replace

import pytest

from batchctl.domain.delivery_page import PingReport
from batchctl.domain.verify import Fit, HeaderCheck, VerifyReport
from batchctl.render.grid import plain
from batchctl.render.verify import page, pong

FITS = VerifyReport(
    accepted=True,
    checks=(
        HeaderCheck(name="x-webhook-signature", fit=Fit.MISSING, detail=None),
        HeaderCheck(name="webhook-signature", fit=Fit.VALID, detail="one of 2 signatures"),
    ),
    age_s=12,
    reason=None,
)
PONG = PingReport(
    delivered=True,
    receiver="https://hooks.customer.example",
    webhook_id="5eed",
    body="{}",
    status_code=204,
    duration_ms=81,
    error=None,
    answer=None,
    signatures=1,
    is_own_secret=False,
    endpoint_id=None,
    endpoint_disabled=False,
)


@pytest.mark.parametrize(
    ("report", "verdict"),
    [
        (FITS, "the timestamp is 12 s old; a receiver takes 300 s\naccepted"),
        (replace(FITS, age_s=-400, reason="too new"), "the timestamp is 400 s ahead; a receiver takes 300 s\n"),
        (replace(FITS, age_s=None, reason="no signature"), "not accepted: no signature"),
    ],
)
def test_verdict_stands_below_the_headers(report: VerifyReport, verdict: str) -> None:
    """A row a header, then how old it is, then yes or no and why."""
    grid, text = page(report)
    assert "webhook-signature\tvalid\tone of 2 signatures" in plain(grid)
    assert str(text).startswith(verdict)


@pytest.mark.parametrize(
    ("report", "signed"),
    [
        (PONG, "the default secret"),
        (replace(PONG, is_own_secret=True), "its own secret"),
        (replace(PONG, is_own_secret=True, signatures=2), "its own 2 secrets"),
        (replace(PONG, signatures=0), "nothing"),
    ],
)
def test_ping_says_with_what_it_was_signed(report: PingReport, signed: str) -> None:
    """The customer's own secrets, or the default one, or none."""
    head, row = (line.split("\t") for line in plain(pong(report)).split("\n"))
    told = dict(zip(head, row, strict=True))
    assert (told["SIGNED WITH"], told["RESULT"], told["CODE"]) == (signed, "delivered", "204")


def test_failed_ping_says_why() -> None:
    """The error and what was answered, each in its column."""
    failed = replace(PONG, delivered=False, error="HTTP 500", answer="[red]no\x1b[2J")
    text = plain(pong(failed))
    assert text.endswith("not delivered\t204\t81\tthe default secret\tHTTP 500\t[red]no\\x1b[2J")
