"""Failed tasks that are tried again in new batches, or would be: what is asked before, and the table after."""

from collections import defaultdict
from uuid import UUID

from batchctl.domain.retry import RetryReport
from batchctl.render.counted import some
from batchctl.render.grid import Grid

SAMPLES = 5


def question(report: RetryReport) -> str:
    """Ask whether what a rehearsal found is to be tried again."""
    tasks, batches = some(report.tasks, "failed task"), some(report.enqueued, "new batch", "new batches")
    return (
        f"try {tasks} again in {batches}? They freeze {some(report.required_credits, 'credit')} when they are claimed."
    )


def samples(report: RetryReport) -> str:
    """Name the first few batches of which something would be tried again."""
    lines = [
        f"batch {line.id}: {some(line.tasks, 'failed task')}, {some(line.required_credits, 'credit')}"
        for line in report.wanted
    ]
    return "\n".join([*lines[:SAMPLES], *(["…"] if len(lines) > SAMPLES else [])])


def summary(report: RetryReport) -> str:
    """Say what was done, or would be, and how it goes on."""
    if not report.enqueued:
        return "nothing to try again"
    tasks, batches = some(report.tasks, "failed task"), some(report.enqueued, "new batch", "new batches")
    price = some(report.required_credits, "credit")
    if report.is_rehearsal:
        return f"a rehearsal, nothing was written: {tasks} would be tried again in {batches}, for {price}"
    return f"{tasks} tried again in {batches}, queued, for {price}"


def shortages(report: RetryReport) -> list[str]:
    """Name the customers whose wallet, as it stands, cannot pay for all that is tried again."""
    required: defaultdict[UUID, int] = defaultdict(int)
    available: dict[UUID, int | None] = {}
    for line in report.wanted:
        required[line.user_id] += line.required_credits
        available[line.user_id] = max((available.get(line.user_id) or 0, line.available_credits or 0))
        if line.available_credits is None:
            available[line.user_id] = None
    return [
        f"warning: customer {user_id} has {'no wallet' if has is None else f'{has} credits'}, and it needs {needs}: "
        f"what the wallet cannot pay is refused (`batchctl wallet grant {user_id} {needs - (has or 0)} --reason TEXT`)"
        for user_id, needs in required.items()
        if needs and needs > ((has := available[user_id]) or 0)
    ]


def table(report: RetryReport) -> Grid:
    """Show each old batch with the new one, or with why there is none."""
    headings = ("BATCH", "STATE", "FAILED TASKS", "CREDITS EACH", "REQUIRED", "AVAILABLE", "CUSTOMER", "NEW BATCH")
    rows = tuple(
        (
            line.id,
            line.status,
            line.tasks,
            line.cost_per_video,
            line.required_credits,
            line.available_credits,
            line.user_id,
            line.new_batch_id or line.left or "would be enqueued",
        )
        for line in report.batches
    )
    return Grid(headings=headings, rows=rows, numbers=headings[2:6], spare=("CUSTOMER", "CREDITS EACH", "AVAILABLE"))
