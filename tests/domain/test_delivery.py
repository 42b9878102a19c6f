"""What every answer of a receiver makes of a delivery (contract §5)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from batchctl.domain.delivery import (
    ClaimedDelivery,
    DeliveryRecord,
    DeliveryStatus,
    decide,
    lease,
    receiver,
    slow_window,
)
from batchctl.domain.limits import Limits
from batchctl.domain.webhook import Delivered, DeliveryAnswer, Gone, NotDelivered

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
LIMITS = Limits()
HOURS_8_RETRIES = 5 / 60 + 0.5 + 1 + 2 + 3 + 5 + 6 + 8


def decided(
    answer: DeliveryAnswer,
    attempt: int = 1,
    limits: Limits = LIMITS,
    *,
    asked_for: int = 0,
    due_at: datetime | None = None,
) -> DeliveryRecord:
    """Return what the answer to the `attempt`-th try of the schedule makes of a delivery.

    Operators asked for so many tries besides; `due_at` is set when they asked for this one.
    """
    delivery = ClaimedDelivery(
        id=UUID(int=1),
        batch_id=UUID(int=2),
        url="https://a.example",
        body="{}",
        attempt=attempt + asked_for,
        step=attempt,
        due_at=due_at,
    )
    return decide(delivery, answer, 12, limits, NOW, Random(1))


def failed(retry_after_s: float | None = None) -> NotDelivered:
    """Build the answer to a failed try."""
    return NotDelivered(status=503, error="HTTP 503", retry_after_s=retry_after_s)


def wait_s(record: DeliveryRecord) -> float:
    """Return the wait before the next try."""
    assert record.next_attempt_at is not None
    return (record.next_attempt_at - NOW).total_seconds()


def test_record_names_its_try() -> None:
    """The number of the try is the token that the database must still find; its length is kept."""
    record = decided(failed(), attempt=3)
    assert (record.id, record.attempt, record.duration_ms) == (UUID(int=1), 3, 12)


def test_acknowledged_delivery_is_sent() -> None:
    """2xx ends it, without an error."""
    record = decided(Delivered(status=204))
    assert (record.status, record.status_code, record.error, record.next_attempt_at) == ("sent", 204, None, None)


def test_gone_receiver_ends_it_at_once() -> None:
    """410 leaves no further try, however many were left."""
    record = decided(Gone(status=410))
    assert (record.status, record.status_code, record.next_attempt_at) == ("failed", 410, None)
    assert record.error == "the receiver answered 410: it is gone for good"


@pytest.mark.parametrize(("attempt", "expected_s"), [(1, 0.5), (2, 1.5), (3, 3.5)])
def test_quick_retries_are_exact_and_waited_for(attempt: int, expected_s: float) -> None:
    """500·(2ⁿ−1) ms after the n-th try, within the pass (mission)."""
    record = decided(failed(), attempt)
    assert (record.status, record.status_code, record.error) == (DeliveryStatus.RETRYING, 503, "HTTP 503")
    assert (wait_s(record), record.retries_soon) == (expected_s, True)


@pytest.mark.parametrize(
    ("attempt", "step_s"),
    [(4, 300), (5, 1800), (6, 3600), (7, 7200), (8, 10_800), (9, 18_000), (10, 21_600), (11, 28_800)],
)
def test_slow_retries_keep_their_steps_and_are_left_to_later_passes(attempt: int, step_s: int) -> None:
    """5 min to 8 h, ± 20 % (contract §3)."""
    record = decided(failed(), attempt)
    assert (record.status, record.retries_soon) == ("retrying", False)
    assert 0.8 * step_s <= wait_s(record) <= 1.2 * step_s


@pytest.mark.parametrize(("quick", "slow", "tries"), [(3, 8, 12), (3, 0, 4), (0, 0, 1), (0, 2, 3), (1, 0, 2)])
def test_delivery_fails_when_no_try_is_left(quick: int, slow: int, tries: int) -> None:
    """One first try, the quick and the slow ones, and no more."""
    limits = replace(LIMITS, webhook_quick_retries=quick, webhook_slow_retries=slow)
    assert [decided(failed(), attempt, limits).status for attempt in range(1, tries)] == ["retrying"] * (tries - 1)
    last = decided(failed(), tries, limits)
    assert (last.status, last.error, last.next_attempt_at, last.retries_soon) == ("failed", "HTTP 503", None, False)


@pytest.mark.parametrize(
    ("retry_after_s", "expected_s", "soon"),
    [(0.1, 0.5, True), (3.5, 3.5, True), (3.6, 3.6, False), (120, 120, False), (1e9, 3600, False)],
)
def test_retry_after_lengthens_the_wait(retry_after_s: float, expected_s: float, soon: bool) -> None:  # noqa: FBT001 - a case of the table
    """It is followed up to an hour; the pass waits for no longer than its own longest quick wait (contract §5)."""
    record = decided(failed(retry_after_s))
    assert (wait_s(record), record.retries_soon) == (expected_s, soon)


def test_no_quick_retries_no_waiting() -> None:
    """ENTERPRISE_WEBHOOK_RETRIES=0 leaves everything to later passes."""
    record = decided(failed(), limits=replace(LIMITS, webhook_quick_retries=0))
    assert not record.retries_soon
    assert 240 <= wait_s(record) <= 360


@pytest.mark.parametrize("quick", [17, 50, 1_000_000])
def test_any_number_of_quick_retries_can_be_set(quick: int) -> None:
    """The waits double each time; a large setting must not overflow the first of them."""
    record = decided(failed(), limits=replace(LIMITS, webhook_quick_retries=quick))
    assert (wait_s(record), record.retries_soon) == (0.5, True)


@pytest.mark.parametrize(("retries", "hours"), [(0, 0), (1, 5 / 60), (8, HOURS_8_RETRIES), (10, HOURS_8_RETRIES + 16)])
def test_slow_window_is_the_sum_of_the_slow_waits(retries: int, hours: float) -> None:
    """So long a delivery without a secret waits for one (contract §3)."""
    assert slow_window(retries) == timedelta(hours=hours)


def test_lease_outlives_the_try() -> None:
    """Nobody else tries while the first answer may still come."""
    assert lease(replace(LIMITS, webhook_timeout_ms=5000)) == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://hooks.example/path/token?key=word#part", "https://hooks.example"),
        ("http://User:Word@Hooks.Example:8443/", "http://hooks.example:8443"),
        ("https://[2001:db8::1]:443/x", "https://[2001:db8::1]:443"),
        ("https://", ""),
        ("no url at all", ""),
        ("https://[::1", ""),
        ("https://host:port/", ""),
        ("", ""),
    ],
)
def test_receiver_is_named_without_what_may_be_secret(url: str, named: str) -> None:
    """Scheme, host and port; no path, query or password. What is no address has no receiver, and breaks nothing."""
    assert receiver(url) == named


@pytest.mark.parametrize("status", ["due", "overdue"])
def test_what_an_operator_asked_for_is_no_step_of_the_schedule(status: str) -> None:
    """A failed one leaves an open delivery due when it was anyway, whatever the step, and the pass does not wait."""
    due_at = NOW + timedelta(hours=2 if status == "due" else -2)
    for step in (1, 4, 12, 99):
        record = decided(failed(), step, due_at=due_at)
        assert (record.status, record.next_attempt_at, record.retries_soon) == ("retrying", due_at, False)


def test_schedule_goes_by_its_own_steps() -> None:
    """Tries that operators asked for count as tries and do not bring the end nearer."""
    record = decided(failed(), 4, asked_for=20)
    assert (record.attempt, record.status) == (24, "retrying")
    assert 0.8 * 300 <= wait_s(record) <= 1.2 * 300


def test_retry_after_lengthens_the_wait_after_an_operators_try_too() -> None:
    """The receiver said when it wants to be asked again; at most an hour later, and never sooner."""
    soon = NOW + timedelta(seconds=10)
    assert decided(failed(60), due_at=soon).next_attempt_at == NOW + timedelta(seconds=60)
    assert decided(failed(5), due_at=soon).next_attempt_at == soon
    assert decided(failed(1e9), due_at=soon).next_attempt_at == NOW + timedelta(hours=1)


@pytest.mark.parametrize("answer", [Delivered(status=200), Gone(status=410)])
def test_end_is_an_end_whoever_asked(answer: DeliveryAnswer) -> None:
    """2xx and 410 leave no further try."""
    assert decided(answer, due_at=NOW).next_attempt_at is None


@pytest.mark.parametrize(
    "answer",
    [
        Delivered(status=200, answer="thanks"),
        Gone(status=410, answer="thanks"),
        NotDelivered(status=500, error="HTTP 500", answer="thanks"),
    ],
)
def test_answer_is_kept(answer: DeliveryAnswer) -> None:
    """What the receiver answered is written with the try, however it ended."""
    assert decided(answer).answer == "thanks"
