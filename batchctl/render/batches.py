"""Batches as lists, and what is said of one that was enqueued."""

from collections.abc import Iterable
from enum import StrEnum

from batchctl.domain.batch import BatchLine
from batchctl.domain.batch_page import BatchList, CreateReport
from batchctl.render.grid import Grid


class Mark(StrEnum):
    """What stands in place of a state that matters less."""

    HELD = "held"
    """The batch, or a task of it, waits for an operator."""


def listing(report: BatchList) -> Grid:
    """Show batches with all that tells them apart; on a narrow terminal the customer and the money give way."""
    headings = (
        *("BATCH", "CREATED", "STATE", "TASKS", "DONE", "FAILED", "FROZEN", "CHARGED", "BACK", "WEBHOOK", "CUSTOMER"),
    )
    rows = tuple(
        (
            line.id,
            line.created_at,
            Mark.HELD if line.is_held else line.status,
            line.total_count,
            line.success_count,
            line.failed_count,
            line.frozen_credits,
            line.credits_spent,
            line.credits_refunded,
            line.webhook_status,
            line.user_id,
        )
        for line in report.batches
    )
    return Grid(headings=headings, rows=rows, numbers=headings[3:9], spare=("CUSTOMER", "BACK", "FROZEN", "CHARGED"))


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


def order(report: CreateReport) -> Grid:
    """Show what a batch costs beside what its customer's wallet has for it."""
    headings = ("TASKS", "CREDITS EACH", "REQUIRED", "AVAILABLE", "MISSING")
    cells = (
        report.total_count,
        report.cost_per_video,
        report.required_credits,
        report.available_credits,
        report.missing_credits,
    )
    return Grid(headings=headings, rows=(cells,), numbers=headings)


def shortage(report: CreateReport) -> str | None:
    """Say that the wallet cannot pay for the batch as it stands, and what helps; None where it can."""
    if report.available_credits is None:
        lack, refused = f"customer {report.user_id} has no wallet", "WALLET_NOT_FOUND"
    elif report.missing_credits:
        lack = f"the wallet has {report.available_credits} credits for it, and it needs {report.required_credits}"
        refused = "INSUFFICIENT_CREDITS"
    else:
        return None
    grant = f"`batchctl wallet grant {report.user_id} {max(report.missing_credits, 1)} --reason TEXT`"
    return f"warning: {lack}: the pass that claims it refuses it for good ({refused}), unless you grant first: {grant}"


def _told(line: BatchLine) -> str:
    if line.webhook_status is None:
        return ""
    return f"{line.webhook_status}, {line.webhook_attempts} tries" if line.webhook_attempts > 1 else line.webhook_status
