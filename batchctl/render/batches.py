"""Batches as pages."""

from collections.abc import Iterable

from batchctl.domain.batch import BatchLine
from batchctl.domain.credit import Balance
from batchctl.render.grid import Grid


def batches(lines: Iterable[BatchLine]) -> Grid:
    """Show batches with their money and what their customer was told."""
    headings = ("BATCH", "STATE", "TASKS", "DONE", "FAILED", "FROZEN", "CHARGED", "BACK", "WEBHOOK")
    rows = tuple(
        (
            line.id,
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
    )
    return Grid(headings=headings, rows=rows, numbers=headings[2:8])


def money(*, granted: int, spent: int, balance: Balance) -> Grid:
    """Show where a customer's credits are, beside what the ledger says."""
    held = balance.permanent_credits + balance.bonus_credits
    headings = ("CREDITS GRANTED", "CHARGED", "IN THE WALLET", "SUM OF THE LEDGER")
    return Grid(headings=headings, rows=((granted, spent, held, balance.ledger_credits),), numbers=headings)


def _told(line: BatchLine) -> str:
    if line.webhook_status is None:
        return ""
    return f"{line.webhook_status}, {line.webhook_attempts} tries" if line.webhook_attempts > 1 else line.webhook_status
