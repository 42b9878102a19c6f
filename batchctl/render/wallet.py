"""A customer's credits as a page."""

from datetime import datetime

from batchctl.domain.wallet_page import AdjustReport, GrantReport, WalletShow
from batchctl.render.grid import Grid, Part, instant
from batchctl.render.ledger import entries


def page(shown: WalletShow) -> list[Part]:
    """Show what a customer has, whether the ledger explains it, and what happened last."""
    balance, open_batches = shown.balance, shown.open_batches
    rows: list[tuple[object, ...]] = [
        ("permanent", balance.permanent_credits, ""),
        ("bonus", balance.bonus_credits, _bonus(shown)),
        ("available now", shown.available_credits, ""),
        ("frozen in open batches", open_batches.frozen_credits, _batches(open_batches.batch_count)),
        ("sum of the ledger", balance.ledger_credits, _books(shown)),
    ]
    parts: list[Part] = [
        f"wallet of customer {shown.user_id}",
        Grid(headings=("CREDITS", "NUMBER", "REMARK"), rows=tuple(rows), numbers=("NUMBER",)),
    ]
    parts.append(entries(shown.ledger, of_batch=False) if shown.ledger else "the ledger has no row of this customer")
    return parts


def granted(report: GrantReport) -> Grid:
    """Show a wallet after a grant."""
    headings = ("CUSTOMER", "GRANTED", "BUCKET", "PERMANENT", "BONUS", "BONUS UNTIL", "AVAILABLE")
    cells = (
        report.user_id,
        0 if report.already_granted else report.amount,
        report.bucket,
        report.permanent_credits,
        report.bonus_credits,
        report.bonus_expires_at,
        report.available_credits,
    )
    numbers = ("GRANTED", "PERMANENT", "BONUS", "AVAILABLE")
    return Grid(headings=headings, rows=(cells,), numbers=numbers, spare=("BONUS UNTIL", "BONUS", "PERMANENT"))


def adjusted(report: AdjustReport) -> Grid:
    """Show a wallet after an adjustment."""
    headings = ("CUSTOMER", "ADJUSTED BY", "BUCKET", "PERMANENT", "BONUS", "BONUS UNTIL", "AVAILABLE")
    cells = (
        report.user_id,
        0 if report.already_adjusted else report.amount,
        report.bucket,
        report.permanent_credits,
        report.bonus_credits,
        report.bonus_expires_at,
        report.available_credits,
    )
    numbers = ("ADJUSTED BY", "PERMANENT", "BONUS", "AVAILABLE")
    return Grid(headings=headings, rows=(cells,), numbers=numbers, spare=("BONUS UNTIL", "BONUS", "PERMANENT"))


def remarks(report: GrantReport, asked_until: datetime | None) -> list[str]:
    """Say what a grant does beside what was asked for."""
    if report.already_granted:
        return ["already granted under this request id: nothing was written"]
    said: list[str] = []
    if report.written_off:
        said.append(f"{report.written_off} bonus credits have expired and are written off, so that none revives")
    if report.made_valid:
        said.append(
            f"{report.made_valid} bonus credits of this wallet had no expiry and paid for nothing; they get this one, "
            "for a wallet has one expiry: take them with `batchctl wallet adjust --bonus` if they are not meant"
        )
    if asked_until is not None and report.bonus_expires_at is not None and report.bonus_expires_at > asked_until:
        said.append(
            f"bonus credits of this wallet are valid until {instant(report.bonus_expires_at)} already: "
            "that holds for the new ones too, for a wallet has one expiry"
        )
    elif asked_until is not None and report.bonus_credits > report.amount + report.made_valid:
        said.append(
            f"all {report.bonus_credits} bonus credits of this wallet are valid until {instant(asked_until)} now, "
            "for a wallet has one expiry"
        )
    return said


def _bonus(shown: WalletShow) -> str:
    expires_at = shown.balance.bonus_expires_at
    if expires_at is None:
        return "not valid: no expiry is set; a bonus grant sets one" if shown.balance.bonus_credits else ""
    return f"valid until {instant(expires_at)}" if shown.bonus_is_valid else f"expired at {instant(expires_at)}"


def _batches(count: int) -> str:
    return "" if not count else f"{count} batch" if count == 1 else f"{count} batches"


def _books(shown: WalletShow) -> str:
    unexplained, difference = shown.balance.unexplained_credits, shown.difference_credits
    adopted = f", with {unexplained} more from before the adoption" if unexplained else ""
    if not difference:
        return f"agrees with the wallet{adopted}"
    side = "more" if difference > 0 else "less"
    return f"DIFFERS: the wallet holds {abs(difference)} {side} than the ledger explains{adopted}"
