"""What becomes of a task after it was sent: the table of outcomes (contract §4), decision by decision."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from batchctl.domain.failure import FailureType
from batchctl.domain.limits import Limits, OrphanPolicy
from batchctl.domain.provider import Accepted, AccountRefused, Deferred, OutcomeUnknown, Refused, SubmitAnswer
from batchctl.domain.submission import ClaimedTask, SubmissionRecord, decide
from batchctl.domain.task import TaskStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TASK = ClaimedTask(
    id=UUID(int=1),
    user_id=UUID(int=2),
    attempts=3,
    submit_errors=0,
    submit_defers=0,
    resubmits=0,
    first_attempt_at=NOW - timedelta(minutes=5),
    claimed_at=NOW,
    unknown_since=None,
    blocked_by=None,
    model="sora-2",
    prompt="a clip",
    reference_url=None,
    aspect_ratio=None,
    duration=None,
    size=None,
    meta=None,
)
LATER = Deferred(blocked_by=FailureType.NETWORK, error="HTTP 429", counted=False)
BUSY = Deferred(blocked_by=FailureType.MODEL_ERROR, error="HTTP 503", counted=True)
DRAINED = AccountRefused(error="insufficient credits", by_status=False)
LOST = OutcomeUnknown(failure_type=FailureType.NETWORK, error="the connection was reset")


def decided(
    answer: SubmitAnswer, task: ClaimedTask = TASK, *, calls_back: bool = False, seed: int = 1, **limits: Any
) -> SubmissionRecord:
    """Decide with the default limits, save for those given."""
    chosen = replace(Limits(), **limits)
    random = Random(seed)
    return decide(task, answer, chosen, NOW, random, calls_back=calls_back)


def test_accepted_task_is_asked_after_the_first_wait() -> None:
    """The id is stored, the first poll is due 5 s later, and nothing of earlier troubles stays."""
    record = decided(Accepted(remote_id="r-1"), replace(TASK, submit_errors=2, submit_defers=4))
    assert (record.status, record.remote_id) == (TaskStatus.PROCESSING, "r-1")
    assert record.next_poll_at == NOW + timedelta(seconds=5)
    assert (record.blocked_by, record.unknown_since, record.last_error) == (None, None, None)
    assert (record.attempts, record.submit_errors, record.submit_defers) == (3, 2, 4)


def test_first_wait_comes_from_the_settings() -> None:
    """BATCH_POLL_BACKOFF_SECONDS also sets when the first poll is due."""
    assert decided(Accepted(remote_id="r"), poll_waits_s=(0.0, 1.0, 2.0)).next_poll_at == NOW


def test_refused_task_fails() -> None:
    """What the provider refuses for good fails with its words and is not sent again."""
    record = decided(Refused(failure_type=FailureType.PARAM_ERROR, error="bad size", reason="input_moderation"))
    assert (record.status, record.failure_type) == (TaskStatus.FAILED, FailureType.PARAM_ERROR)
    assert (record.error_message, record.last_error, record.failure_reason) == (
        "bad size",
        "bad size",
        "input_moderation",
    )
    assert (record.next_retry_at, record.next_poll_at, record.outcome_unknown) == (None, None, False)


@pytest.mark.parametrize("answer", [LATER, BUSY, DRAINED])
@pytest.mark.parametrize(("defers", "step_s"), [(0, 15), (1, 60), (2, 300), (3, 300), (20, 300)])
def test_task_that_was_not_accepted_waits(answer: SubmitAnswer, defers: int, step_s: float) -> None:
    """15 s, 60 s, then 5 min for ever, each ± 20 %, whatever the reason."""
    for seed in range(20):
        record = decided(answer, replace(TASK, submit_defers=defers), seed=seed)
        assert record.status is TaskStatus.PENDING
        assert record.submit_defers == defers + 1
        assert record.next_retry_at is not None
        assert 0.8 * step_s <= (record.next_retry_at - NOW).total_seconds() <= 1.2 * step_s


@pytest.mark.parametrize("answer", [LATER, BUSY, DRAINED])
@pytest.mark.parametrize(("retry_after_s", "wait_s"), [(200.0, 200.0), (900.0, 900.0), (86400.0, 900.0)])
def test_retry_after_lengthens_the_wait(answer: Deferred | AccountRefused, retry_after_s: float, wait_s: float) -> None:
    """The provider's wish is followed, at most for 15 min."""
    record = decided(replace(answer, retry_after_s=retry_after_s))
    assert record.next_retry_at == NOW + timedelta(seconds=wait_s)


def test_retry_after_never_shortens_the_wait() -> None:
    """A wish to be asked sooner changes nothing."""
    assert decided(replace(LATER, retry_after_s=1.0)) == decided(LATER)


@pytest.mark.parametrize(("errors", "fails"), [(0, False), (1, False), (2, True), (7, True)])
def test_third_server_error_fails_the_task(errors: int, *, fails: bool) -> None:
    """Answers 500, 502, 503 count, and the BATCH_MAX_SUBMIT_ATTEMPTS-th ends it as model_error."""
    record = decided(BUSY, replace(TASK, submit_errors=errors))
    assert record.submit_errors == errors + 1
    assert record.status is (TaskStatus.FAILED if fails else TaskStatus.PENDING)
    assert record.failure_type == (FailureType.MODEL_ERROR if fails else None)
    assert record.error_message == ("HTTP 503" if fails else None)


@pytest.mark.parametrize("answer", [LATER, DRAINED])
def test_other_delays_count_for_nothing(answer: SubmitAnswer) -> None:
    """However often the rate or the account is in the way, the task has all its attempts left."""
    for errors in (2, 3):  # three after BATCH_MAX_SUBMIT_ATTEMPTS was lowered
        record = decided(answer, replace(TASK, submit_errors=errors, attempts=500))
        assert (record.status, record.submit_errors, record.failure_type) == (TaskStatus.PENDING, errors, None)


@pytest.mark.parametrize(
    ("answer", "failure_type"),
    [(LATER, FailureType.NETWORK), (BUSY, FailureType.MODEL_ERROR), (DRAINED, FailureType.MODEL_ERROR)],
)
@pytest.mark.parametrize("age_s", [7199.0, 7200.0, 9000.0])
def test_deadline_ends_the_waiting(answer: SubmitAnswer, failure_type: FailureType, age_s: float) -> None:
    """Two hours after the first attempt a task is not put off again: it fails for what kept it from being sent."""
    task = replace(TASK, first_attempt_at=NOW - timedelta(seconds=age_s))
    record = decided(answer, task, max_submit_attempts=99)
    if age_s < 7200:
        assert (record.status, record.blocked_by) == (TaskStatus.PENDING, failure_type)
    else:
        assert (record.status, record.failure_type) == (TaskStatus.FAILED, failure_type)
        assert record.error_message == "TASK_DEADLINE_REACHED"
        assert record.last_error in {"HTTP 429", "HTTP 503", "insufficient credits"}


@pytest.mark.parametrize("policy", [OrphanPolicy.FAIL, OrphanPolicy.RESUBMIT])
@pytest.mark.parametrize("failure_type", [FailureType.TIMEOUT, FailureType.NETWORK])
def test_unknown_outcome_fails_at_once_in_polling_mode(policy: OrphanPolicy, failure_type: FailureType) -> None:
    """Without a callback address nothing can bring the answer, so waiting helps nobody; resubmit has had its turn."""
    answer = replace(LOST, failure_type=failure_type)
    record = decided(answer, replace(TASK, resubmits=1), orphan_policy=policy)
    assert (record.status, record.failure_type) == (TaskStatus.FAILED, failure_type)
    assert (record.error_message, record.last_error) == ("SUBMIT_OUTCOME_UNKNOWN", LOST.error)
    assert record.outcome_unknown


@pytest.mark.parametrize("policy", [OrphanPolicy.FAIL, OrphanPolicy.RESUBMIT])
@pytest.mark.parametrize(("doubt_s", "waits"), [(0, True), (1199, True), (1200, False)])
def test_callback_gets_its_time(policy: OrphanPolicy, doubt_s: float, *, waits: bool) -> None:
    """With a callback address the task stays in doubt for BATCH_ORPHAN_HOLD_SECONDS, then it fails."""
    since = NOW - timedelta(seconds=doubt_s)
    task = replace(TASK, resubmits=1, unknown_since=since)
    record = decided(LOST, task, calls_back=True, orphan_policy=policy)
    if waits:
        assert (record.status, record.unknown_since) == (TaskStatus.PROCESSING, since)
        assert record.blocked_by is FailureType.NETWORK
        assert (record.next_retry_at, record.failure_type) == (None, None)
    else:
        assert (record.status, record.error_message) == (TaskStatus.FAILED, "SUBMIT_OUTCOME_UNKNOWN")


def test_doubt_begins_with_the_claim() -> None:
    """The time in doubt is counted from when the task was sent, not from when the doubt was noticed."""
    task = replace(TASK, claimed_at=NOW - timedelta(seconds=300))
    assert decided(LOST, task, calls_back=True).unknown_since == task.claimed_at


@pytest.mark.parametrize("calls_back", [False, True])
def test_resubmit_sends_once_more(*, calls_back: bool) -> None:
    """Policy resubmit makes the task due again, once."""
    record = decided(LOST, calls_back=calls_back, orphan_policy=OrphanPolicy.RESUBMIT)
    assert (record.status, record.resubmits, record.next_retry_at) == (TaskStatus.PENDING, 1, None)
    assert (record.blocked_by, record.outcome_unknown) == (FailureType.NETWORK, True)


@pytest.mark.parametrize("calls_back", [False, True])
@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=30)])
def test_hold_waits_for_a_person(age: timedelta, *, calls_back: bool) -> None:
    """Policy hold decides nothing, however old the task is."""
    task = replace(TASK, first_attempt_at=NOW - age, claimed_at=NOW - age)
    record = decided(LOST, task, calls_back=calls_back, orphan_policy=OrphanPolicy.HOLD)
    assert (record.status, record.hold_reason) == (TaskStatus.PROCESSING, "SUBMIT_OUTCOME_UNKNOWN")
    assert (record.failure_type, record.next_retry_at) == (None, None)


@pytest.mark.parametrize(
    ("meta", "read"),
    [
        (None, None),
        ("null", None),
        ('{"urls": ["https://a.example/1.png"]}', {"urls": ["https://a.example/1.png"]}),
        ("[1, 2]", None),
        ('"text"', None),
        ("17", None),
        (json.dumps([[]]).replace("[]", "[" * 5000 + "]" * 5000), None),
    ],
)
def test_meta_is_an_object_or_nothing(meta: str | None, read: dict[str, object] | None) -> None:
    """The column may hold any JSON, and none of it keeps the task from being sent."""
    assert replace(TASK, meta=meta).submission().meta == read


def test_number_too_long_for_python_does_not_spoil_meta() -> None:
    """A number of 5000 digits, which the database stores gladly, leaves the frames readable."""
    meta = f'{{"seed": {"9" * 5000}, "firstFrameUrl": "https://a.example/1.png"}}'
    read = replace(TASK, meta=meta).submission().meta
    assert read is not None
    assert read["firstFrameUrl"] == "https://a.example/1.png"
