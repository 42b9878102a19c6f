"""When a pass stops submitting."""

from uuid import UUID

import pytest

from batchctl.domain.breaker import UNCONNECTED_IN_A_ROW, SubmissionBreaker
from batchctl.domain.failure import FailureType
from batchctl.domain.provider import Accepted, AccountRefused, Deferred, OutcomeUnknown, Refused, SubmitAnswer

BY_STATUS = AccountRefused(error="HTTP 402 for a prompt", told="HTTP 402", by_status=True)
BY_TEXT = AccountRefused(error="insufficient credits for a prompt", told="insufficient credits", by_status=False)
UNCONNECTED = Deferred(blocked_by=FailureType.NETWORK, error="refused", counted=False, connected=False)


def see(breaker: SubmissionBreaker, *answers: tuple[int, int, SubmitAnswer]) -> bool:
    """Show answers (task, customer, answer) to a breaker and say whether it is open."""
    for task, customer, answer in answers:
        breaker.see(UUID(int=task), UUID(int=customer), answer)
    return breaker.is_open


def test_account_refused_by_status_stops_at_once() -> None:
    """One answer 401, 402 or 403 is enough, and says why."""
    breaker = SubmissionBreaker()
    assert see(breaker, (1, 1, BY_STATUS))
    assert breaker.account_error == "HTTP 402"


@pytest.mark.parametrize(
    ("seen", "is_open"),
    [
        ([(1, 1), (2, 2)], False),
        ([(1, 1), (2, 1), (3, 1)], False),
        ([(1, 1), (1, 1), (2, 2)], False),
        ([(1, 1), (2, 1), (3, 2)], True),
        ([(1, 1), (2, 2), (3, 3)], True),
        ([(1, 1), (2, 1), (3, 1), (4, 1), (5, 2)], True),
    ],
)
def test_text_alone_takes_three_tasks_of_two_customers(seen: list[tuple[int, int]], *, is_open: bool) -> None:
    """A customer's own words may end up in a message, so text stops the pass only when it is not one customer's."""
    breaker = SubmissionBreaker()
    assert see(breaker, *((task, customer, BY_TEXT) for task, customer in seen)) is is_open
    assert breaker.account_error == ("insufficient credits" if is_open else None)


@pytest.mark.parametrize(
    "answer",
    [
        Accepted(remote_id="x"),
        Refused(failure_type=FailureType.PARAM_ERROR, error="no"),
        Deferred(blocked_by=FailureType.MODEL_ERROR, error="503", counted=True),
        OutcomeUnknown(failure_type=FailureType.TIMEOUT, error="timeout"),
    ],
)
def test_answers_about_tasks_stop_nothing(answer: SubmitAnswer) -> None:
    """However many tasks are accepted, refused, put off or lost, the others are still sent."""
    assert not see(SubmissionBreaker(), *((task, task, answer) for task in range(100)))


def test_provider_that_cannot_be_reached_is_left_alone() -> None:
    """Twenty requests in a row that failed to connect stop the pass without blaming the account."""
    breaker = SubmissionBreaker()
    almost = [(task, task, UNCONNECTED) for task in range(UNCONNECTED_IN_A_ROW - 1)]
    assert not see(breaker, *almost, (50, 50, Accepted(remote_id="x")), *almost)
    assert see(breaker, (99, 99, UNCONNECTED))
    assert breaker.account_error is None
