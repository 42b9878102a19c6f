"""What is asked before a cancellation, and what is said after it."""

from uuid import UUID

from batchctl.domain.batch import BatchStatus
from batchctl.domain.cancel import CancelLine, report
from batchctl.render.cancel import SAMPLES, question, samples, summary, table
from batchctl.render.grid import plain

RUNNING = CancelLine(
    id=UUID("0033894e-7d3c-4c5f-9a55-1f2f3c4d5e6f"),
    user_id=UUID("7e5e7bba-0000-4000-8000-000000000001"),
    status=BatchStatus.PROCESSING,
    unsent=1,
    in_flight=2,
    credits_back=10,
    is_held=False,
    left=None,
)
ENDED = CancelLine(
    id=UUID("1033894e-7d3c-4c5f-9a55-1f2f3c4d5e6f"),
    user_id=RUNNING.user_id,
    status=BatchStatus.COMPLETED,
    unsent=0,
    in_flight=0,
    credits_back=0,
    is_held=False,
    left="has ended: completed",
)
HELD = CancelLine(
    id=UUID("2033894e-7d3c-4c5f-9a55-1f2f3c4d5e6f"),
    user_id=RUNNING.user_id,
    status=BatchStatus.PROCESSING,
    unsent=3,
    in_flight=0,
    credits_back=30,
    is_held=True,
    left=None,
)


def test_question_counts_what_would_be_changed() -> None:
    """What is left is not counted; one is one."""
    asked = report([RUNNING, ENDED], is_rehearsal=True)
    assert question(asked) == "cancel 1 batch? 1 unsent task fails as CANCELLED, giving back up to 10 credits."


def test_summary_tells_what_follows() -> None:
    """A rehearsal says so; an act says what goes on, and what comes back when."""
    assert summary(report([RUNNING, HELD], is_rehearsal=False)) == (
        "2 batches cancelled: nothing more is sent; 2 tasks that were sent are let finish; "
        "up to 40 credits go back at the settlement"
    )
    assert summary(report([RUNNING], is_rehearsal=True)).startswith("a rehearsal, nothing was changed: 1 batch and 1 ")
    assert summary(report([ENDED], is_rehearsal=False)).startswith("nothing to cancel")


def test_table_tells_each_outcome() -> None:
    """Cancelled, left with the reason, or waiting to be released."""
    rows = plain(table(report([RUNNING, ENDED, HELD], is_rehearsal=False))).splitlines()[1:]
    assert [row.split("\t")[-1] for row in rows] == [
        "cancelled",
        "has ended: completed",
        "cancelled, on hold: its tasks fail when it is released",
    ]


def test_samples_are_few() -> None:
    """A thousand batches fill no screen; that there are more is seen."""
    lines = samples(report([RUNNING] * 1000 + [ENDED], is_rehearsal=True)).split("\n")
    assert len(lines) == SAMPLES + 1
    assert lines[0] == f"batch {RUNNING.id}: processing, 1 unsent task, 2 running"
    assert lines[-1] == "…"
