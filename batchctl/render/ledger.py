"""Rows of the ledger as a table."""

from collections.abc import Iterable
from uuid import UUID

from batchctl.domain.credit import Bucket
from batchctl.domain.wallet_page import HistoryLine, LedgerLine
from batchctl.render.grid import Grid


def entries(lines: Iterable[LedgerLine], *, of_batch: bool) -> Grid:
    """Show rows of the ledger; those of one batch need not say what for."""
    headings: tuple[str, ...] = ("LEDGER", "AT", "BUCKET", "CREDITS", "BALANCE", "FOR")
    rows: tuple[tuple[object, ...], ...] = tuple(
        (line.type, line.created_at, _bucket(line), line.credits_delta, line.balance_after, _purpose(line))
        for line in lines
    )
    if of_batch:
        headings, rows = headings[:-1], tuple(row[:-1] for row in rows)
    return Grid(headings=headings, rows=rows, numbers=("CREDITS", "BALANCE"))


def history(lines: Iterable[HistoryLine]) -> Grid:
    """Show rows of a customer's ledger with what the customer had after each, in the bucket and in all."""
    return Grid(
        headings=("AT", "LEDGER", "BUCKET", "CREDITS", "BUCKET AFTER", "ALL AFTER", "FOR"),
        rows=tuple(
            (
                line.created_at,
                line.type,
                _bucket(line),
                line.credits_delta,
                line.balance_after,
                line.total_after,
                _purpose(line),
            )
            for line in lines
        ),
        numbers=("CREDITS", "BUCKET AFTER", "ALL AFTER"),
        cut=("BUCKET",),
        spare=("BUCKET AFTER",),
    )


def _bucket(line: LedgerLine | HistoryLine) -> object:
    """Make an enum of it where it is one, which no narrow terminal breaks; other programs may have written anything."""
    return next((bucket for bucket in Bucket if bucket == line.bucket), line.bucket)


def _purpose(line: LedgerLine | HistoryLine) -> object:
    """Name the batch that a row belongs to, or the reason that an operator gave, else what another program wrote."""
    try:
        return UUID(line.ref_id or "")
    except ValueError:
        pass
    if line.reason:
        return f"{line.reason} ({line.operator})" if line.operator else line.reason
    return line.ref_id or line.ref_type
