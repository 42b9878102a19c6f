"""Batches that are cancelled, or would be: what is asked before, and the table after."""

from batchctl.domain.cancel import CancelReport
from batchctl.render.counted import some
from batchctl.render.grid import Grid

SAMPLES = 5


def question(report: CancelReport) -> str:
    """Ask whether what a rehearsal found is to be cancelled."""
    batches = some(report.cancelled, "batch", "batches")
    tasks = some(report.unsent, "unsent task fails", "unsent tasks fail")
    back = f"up to {some(report.credits_back, 'credit')}" if report.credits_back else "no credits"
    return f"cancel {batches}? {tasks} as CANCELLED, giving back {back}."


def samples(report: CancelReport) -> str:
    """Name the first few batches that would be cancelled."""
    lines = [
        f"batch {line.id}: {line.status}, {some(line.unsent, 'unsent task')}, {line.in_flight} running"
        for line in report.batches
        if line.left is None
    ]
    return "\n".join([*lines[:SAMPLES], *(["…"] if len(lines) > SAMPLES else [])])


def summary(report: CancelReport) -> str:
    """Say what was done, or would be, and how it goes on."""
    if not report.cancelled:
        return "nothing to cancel: what was found has ended or is cancelled already"
    batches = some(report.cancelled, "batch", "batches")
    running = sum(line.in_flight for line in report.batches if line.left is None)
    waits = f"; {some(running, 'task that was sent is', 'tasks that were sent are')} let finish" if running else ""
    if report.is_rehearsal:
        tasks = some(report.unsent, "unsent task", "unsent tasks")
        return f"a rehearsal, nothing was changed: {batches} and {tasks} would be cancelled{waits}"
    back = "no credits go back, for none were frozen for what was not sent"
    if report.credits_back:
        back = f"up to {some(report.credits_back, 'credit')} go back at the settlement"
    return f"{batches} cancelled: nothing more is sent{waits}; {back}"


def table(report: CancelReport) -> Grid:
    """Show each batch with its tasks and what comes of it."""
    headings = ("BATCH", "STATE", "UNSENT", "RUNNING", "CREDITS BACK", "CUSTOMER", "OUTCOME")
    done = "would be cancelled" if report.is_rehearsal else "cancelled"
    held = ", on hold: its tasks fail when it is released"
    rows = tuple(
        (
            line.id,
            line.status,
            line.unsent,
            line.in_flight,
            line.credits_back,
            line.user_id,
            line.left or f"{done}{held if line.is_held else ''}",
        )
        for line in report.batches
    )
    return Grid(headings=headings, rows=rows, numbers=headings[2:5], spare=("CUSTOMER",))
