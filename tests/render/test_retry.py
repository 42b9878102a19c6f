"""What is asked before failed tasks are tried again, and what is said after it."""

from dataclasses import replace
from uuid import UUID

from batchctl.domain.batch import BatchStatus
from batchctl.domain.retry import RetryLine, report
from batchctl.render.grid import plain
from batchctl.render.retry import SAMPLES, question, samples, shortages, summary, table

LINE = RetryLine(
    id=UUID("0033894e-7d3c-4c5f-9a55-1f2f3c4d5e6f"),
    user_id=UUID("7e5e7bba-0000-4000-8000-000000000001"),
    status=BatchStatus.PARTIAL,
    tasks=3,
    cost_per_video=10,
    required_credits=30,
    available_credits=50,
    new_batch_id=None,
    left=None,
)
LEFT = replace(LINE, left="has no failed task that is wanted", tasks=0, required_credits=0)
DONE = replace(LINE, new_batch_id=UUID("1033894e-7d3c-4c5f-9a55-1f2f3c4d5e6f"))


def test_question_has_the_price() -> None:
    """How many tasks, in how many batches, for how many credits, and when those are taken."""
    asked = question(report([LINE, LEFT], "batch.retry", is_rehearsal=True))
    assert asked == "try 3 failed tasks again in 1 new batch? They freeze 30 credits when they are claimed."


def test_summary_tells_what_was_done() -> None:
    """A rehearsal says so."""
    assert summary(report([DONE, DONE], "batch.retry", is_rehearsal=False)) == (
        "6 failed tasks tried again in 2 new batches, queued, for 60 credits"
    )
    assert summary(report([LINE], "batch.retry", is_rehearsal=True)).startswith("a rehearsal, nothing was written: 3 ")
    assert summary(report([LEFT], "batch.retry", is_rehearsal=False)) == "nothing to try again"


def test_table_names_the_new_batch_or_the_reason() -> None:
    """The last column says what became of each."""
    rows = plain(table(report([DONE, LEFT, LINE], "batch.retry", is_rehearsal=True))).splitlines()[1:]
    assert [row.split("\t")[-1] for row in rows] == [str(DONE.new_batch_id), LEFT.left, "would be enqueued"]


def test_shortage_counts_all_of_a_customer_s_batches() -> None:
    """Two batches that the wallet could pay one by one are too much together; who has no wallet is named so."""
    (warning,) = shortages(report([LINE, LINE], "batch.retry", is_rehearsal=True))
    assert f"customer {LINE.user_id} has 50 credits, and it needs 60" in warning
    assert f"`batchctl wallet grant {LINE.user_id} 10 --reason TEXT`" in warning
    (warning,) = shortages(report([replace(LINE, available_credits=None)], "batch.retry", is_rehearsal=True))
    assert "has no wallet, and it needs 30" in warning
    assert shortages(report([LINE, LEFT], "batch.retry", is_rehearsal=True)) == []


def test_price_of_nothing_needs_no_wallet() -> None:
    """Batches at price 0 are run for everybody."""
    free = replace(LINE, cost_per_video=0, required_credits=0, available_credits=None)
    assert shortages(report([free], "batch.retry", is_rehearsal=True)) == []


def test_samples_are_few() -> None:
    """A thousand batches fill no screen."""
    lines = samples(report([LINE] * 1000, "batch.retry", is_rehearsal=True)).split("\n")
    assert lines[0] == f"batch {LINE.id}: 3 failed tasks, 30 credits"
    assert len(lines) == SAMPLES + 1
