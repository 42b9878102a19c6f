"""Reports as Rich tables, for a terminal."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from batchctl.domain.batch import BatchLine
from batchctl.domain.credit import Balance
from batchctl.domain.report import PassReport
from batchctl.render import words


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = ()) -> Table:
    """Lay out rows; columns named in `numbers` stand at the right. Values are shown as they are, never as markup."""
    laid_out = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        laid_out.add_column(heading, justify="right" if heading in numbers else "left", overflow="fold")
    for row in rows:
        laid_out.add_row(*(Text("" if value is None else str(value)) for value in row))
    return laid_out


def stages(report: PassReport) -> Table:
    """Show a pass stage by stage."""
    rows = words.stages(report)
    shown = table(["STAGE", "WHAT IT DID"], rows)
    shown.caption = f"{report.duration_ms} ms"
    shown.caption_justify = "left"
    return shown


def stage(name: str, report: words.Stage) -> Table:
    """Show one stage."""
    return table(["STAGE", "WHAT IT DID"], [(name, words.stage(report))])


def batches(lines: Iterable[BatchLine]) -> Table:
    """Show batches with their money and what their customer was told."""
    headings = ["BATCH", "STATE", "TASKS", "DONE", "FAILED", "FROZEN", "CHARGED", "BACK", "WEBHOOK"]
    rows = [
        (
            str(line.id)[:8],
            line.status,
            line.total_count,
            line.success_count,
            line.failed_count,
            line.frozen_credits,
            line.credits_spent,
            line.credits_refunded,
            _told(line),
        )
        for line in lines
    ]
    return table(headings, rows, numbers=headings[2:8])


def money(*, granted: int, spent: int, balance: Balance) -> Table:
    """Show where a customer's credits are, beside what the ledger says."""
    held = balance.permanent_credits + balance.bonus_credits
    headings = ["CREDITS GRANTED", "CHARGED", "IN THE WALLET", "SUM OF THE LEDGER"]
    return table(headings, [(granted, spent, held, balance.ledger_credits)], numbers=headings)


def _told(line: BatchLine) -> str:
    if line.webhook_status is None:
        return ""
    return f"{line.webhook_status}, {line.webhook_attempts} tries" if line.webhook_attempts > 1 else line.webhook_status
