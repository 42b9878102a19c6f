"""What becomes of a batch in a state that only the original worker makes."""

from typing import Any
from uuid import UUID

import pytest

from batchctl.domain.adoption import LeftBatch, resolve
from batchctl.domain.batch import BatchStatus


def left(**columns: Any) -> LeftBatch:
    """Make a batch of two tasks at 10 credits that nobody has touched for long."""
    plain: dict[str, Any] = {
        "id": UUID(int=1),
        "user_id": UUID(int=2),
        "status": BatchStatus.PROCESSING,
        "is_settled": False,
        "total_count": 2,
        "cost_per_video": 10,
        "frozen_credits": 20,
        "credits_spent": 0,
        "task_count": 2,
        "tasks_pending": 0,
        "tasks_in_flight": 0,
        "succeeded_count": 0,
        "failed_count": 0,
        "last_error": None,
        "webhook_url": None,
        "may_get_tasks": False,
        "is_quiet": True,
    }
    return LeftBatch(**plain | columns)


QUEUED: dict[str, Any] = {"status": BatchStatus.QUEUED, "tasks_pending": 2}
UNPAID: dict[str, Any] = {"frozen_credits": 0, "tasks_pending": 2}
SETTLED: dict[str, Any] = {"is_settled": True}
ENDED: dict[str, Any] = SETTLED | {"succeeded_count": 1, "failed_count": 1}


@pytest.mark.parametrize(
    ("batch", "status"),
    [
        (left(**QUEUED), "processing"),
        (left(**QUEUED, is_quiet=False, may_get_tasks=True), "processing"),
        (left(**QUEUED | {"task_count": 1, "tasks_pending": 1}), "processing"),
        (left(**QUEUED | {"task_count": 0, "tasks_pending": 0}), "processing"),
        (left(**QUEUED, frozen_credits=25), "processing"),
        (left(**UNPAID), "queued"),
        (left(**UNPAID | {"task_count": 0, "tasks_pending": 0}), "queued"),
        (left(**ENDED), "partial"),
        (left(**SETTLED, succeeded_count=2), "completed"),
        (left(**SETTLED, failed_count=2), "failed"),
        (left(**SETTLED, task_count=0), "failed"),
        (left(**SETTLED, task_count=1, succeeded_count=1), "partial"),
    ],
)
def test_provable_ones_move_on(batch: LeftBatch, status: str) -> None:
    """Paid for early goes on, never paid for begins anew, settled ends as its tasks tell."""
    resolution = resolve(batch)

    assert resolution is not None
    assert (resolution.status, resolution.hold_reason) == (status, None)
    assert resolution.is_end == batch.is_settled


@pytest.mark.parametrize(
    "batch",
    [
        left(**QUEUED | {"task_count": 1, "tasks_pending": 1}, may_get_tasks=True),
        left(**UNPAID, is_quiet=False),
        left(**UNPAID | {"tasks_pending": 1, "tasks_in_flight": 1}, is_quiet=False),
        left(**ENDED, is_quiet=False),
        left(**SETTLED, succeeded_count=1, tasks_in_flight=1),
        left(**SETTLED, succeeded_count=1, tasks_pending=1, is_quiet=False),
    ],
)
def test_what_may_be_in_other_hands_is_left_alone(batch: LeftBatch) -> None:
    """Tasks that may still come, moves of a moment ago, and open tasks of a settled batch are waited for."""
    assert resolve(batch) is None


@pytest.mark.parametrize(
    ("batch", "reason"),
    [
        (left(**QUEUED, frozen_credits=19), "19 credits are frozen, 20 required, for 2 tasks"),
        (left(**QUEUED | {"task_count": 3, "tasks_pending": 3}), "20 credits are frozen, 20 required, for 3 tasks"),
        (left(**QUEUED, total_count=None), "20 credits are frozen, None required, for 2 tasks"),
        (left(**UNPAID | {"tasks_pending": 1, "succeeded_count": 1}), "0 credits are frozen, 20 required, for 2 tasks"),
        (left(succeeded_count=1), "some of its tasks have no status"),
        (left(**SETTLED, succeeded_count=1, tasks_pending=1), "it is settled, but 1 of its tasks have not ended"),
    ],
)
def test_what_cannot_be_proved_goes_on_hold(batch: LeftBatch, reason: str) -> None:
    """Money is never guessed: an operator is told, and the batch stays as it is."""
    resolution = resolve(batch)

    assert resolution is not None
    assert (resolution.status, resolution.hold_reason) == (batch.status, reason)
    assert not resolution.is_end
