"""A customer's credits as a page, and what is said after a grant."""

import io
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from batchctl.domain.credit import Balance, Bucket
from batchctl.domain.wallet_page import EntryType, GrantReport, LedgerLine, OpenBatches, WalletShow
from batchctl.render.grid import plain
from batchctl.render.tables import print_page
from batchctl.render.wallet import granted, page, remarks

AT = datetime(2026, 1, 31, 9, tzinfo=UTC)
USER = UUID("7e5e7bba-0000-4000-8000-000000000001")
BATCH = "0033894e-7d3c-4c5f-9a55-1f2f3c4d5e6f"
LINE = LedgerLine(
    id=1,
    created_at=AT,
    type=EntryType.BONUS_GRANT,
    ref_type="wallet_grant",
    ref_id=None,
    bucket="bonus",
    credits_delta=30,
    balance_after=30,
    reason="goodwill, ticket 4711",
    operator="ops@desk",
)
SPEND = replace(
    LINE, type=EntryType.SPEND, ref_id=BATCH, bucket="permanent", credits_delta=-120, reason=None, operator=None
)
SHOWN = WalletShow(
    as_of=AT,
    user_id=USER,
    balance=Balance(
        permanent_credits=210, bonus_credits=30, bonus_expires_at=AT + timedelta(days=7), ledger_credits=240
    ),
    bonus_is_valid=True,
    available_credits=240,
    open_batches=OpenBatches(batch_count=2, frozen_credits=120),
    difference_credits=0,
    ledger=(LINE, SPEND),
)
REPORT = GrantReport(
    user_id=USER,
    bucket=Bucket.BONUS,
    amount=30,
    already_granted=False,
    dry_run=False,
    written_off=0,
    made_valid=0,
    permanent_credits=210,
    bonus_credits=30,
    bonus_expires_at=AT,
    available_credits=240,
)


def told(shown: WalletShow) -> str:
    """Return the page as a pipe gets it."""
    return "\n".join(plain(part) for part in page(shown))


def test_page_says_what_is_where() -> None:
    """Each kind of credits is a line, with what is to be known of it; the ledger stands below."""
    assert told(SHOWN) == (
        f"wallet of customer {USER}\n"
        "CREDITS\tNUMBER\tREMARK\n"
        "permanent\t210\t\n"
        "bonus\t30\tvalid until 2026-02-07T09:00:00Z\n"
        "available now\t240\t\n"
        "frozen in open batches\t120\t2 batches\n"
        "sum of the ledger\t240\tagrees with the wallet\n"
        "LEDGER\tAT\tBUCKET\tCREDITS\tBALANCE\tFOR\n"
        "bonus_grant\t2026-01-31T09:00:00Z\tbonus\t30\t30\tgoodwill, ticket 4711 (ops@desk)\n"
        f"spend\t2026-01-31T09:00:00Z\tpermanent\t-120\t30\t{BATCH}"
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"bonus_is_valid": False}, "bonus\t30\texpired at 2026-02-07T09:00:00Z"),
        ({"balance": {"bonus_expires_at": None}}, "bonus\t30\tnot valid: no expiry is set; a bonus grant sets one"),
        ({"balance": {"bonus_expires_at": None, "bonus_credits": 0}}, "bonus\t0\t\n"),
        ({"open_batches": OpenBatches(batch_count=0, frozen_credits=0)}, "frozen in open batches\t0\t\n"),
        ({"open_batches": OpenBatches(batch_count=1, frozen_credits=5)}, "frozen in open batches\t5\t1 batch\n"),
        ({"difference_credits": 7}, "DIFFERS: the wallet holds 7 more than the ledger explains"),
        ({"difference_credits": -7}, "DIFFERS: the wallet holds 7 less than the ledger explains"),
        ({"balance": {"unexplained_credits": 9}}, "agrees with the wallet, with 9 more from before the adoption"),
        ({"ledger": ()}, "the ledger has no row of this customer"),
    ],
)
def test_what_is_to_be_known_is_said(changed: dict[str, Any], said: str) -> None:
    """Expired credits, frozen ones, and books that do not agree are sentences."""
    balance = replace(SHOWN.balance, **changed.get("balance", {}))

    assert said in told(replace(SHOWN, **(changed | {"balance": balance})))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (replace(LINE, reason=None, ref_id="r-1"), "r-1"),
        (replace(LINE, reason=None), "wallet_grant"),
        (replace(LINE, operator=None), "goodwill, ticket 4711"),
        (replace(LINE, reason=None, ref_type=None), ""),
    ],
)
def test_ledger_says_what_a_row_is_for(line: LedgerLine, said: str) -> None:
    """A row names its batch, else its reason, else what the program that wrote it noted."""
    assert told(replace(SHOWN, ledger=(line,))).endswith(f"\t30\t30\t{said}")


def test_no_word_of_the_ledger_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """On eighty columns kinds and purses stay whole, and the reason goes on in the next line."""
    monkeypatch.setenv("COLUMNS", "80")
    out = io.StringIO()
    with redirect_stdout(out):
        print_page(page(SHOWN))

    assert {"bonus_grant", "permanent", "goodwill,", "0033894e"} <= set(out.getvalue().split())
    assert max(map(len, out.getvalue().splitlines())) <= 80


def test_grant_shows_the_wallet() -> None:
    """After a grant the wallet is a line; what was granted before grants 0 now."""
    line = f"{USER}\t30\tbonus\t210\t30\t2026-01-31T09:00:00Z\t240"

    assert plain(granted(REPORT)).split("\n")[1] == line
    assert plain(granted(replace(REPORT, already_granted=True))).split("\n")[1] == line.replace("\t30\tb", "\t0\tb", 1)


def test_remarks_say_what_was_not_asked_for() -> None:
    """Credits that were written off, an expiry that is another one, a repeated request: all are said, else nothing."""
    later = AT + timedelta(days=1)

    assert remarks(REPORT, AT) == remarks(replace(REPORT, bonus_expires_at=later), None) == []
    assert remarks(replace(REPORT, already_granted=True), AT) == [
        "already granted under this request id: nothing was written"
    ]
    assert remarks(replace(REPORT, written_off=7), AT) == [
        "7 bonus credits have expired and are written off, so that none revives"
    ]
    (remark,) = remarks(replace(REPORT, bonus_expires_at=later), AT)
    assert remark == (
        "bonus credits of this wallet are valid until 2026-02-01T09:00:00Z already: "
        "that holds for the new ones too, for a wallet has one expiry"
    )
    (remark,) = remarks(replace(REPORT, made_valid=12, bonus_credits=42), AT)
    assert remark.startswith("12 bonus credits of this wallet had no expiry and paid for nothing; they get this one")
    assert remarks(replace(REPORT, bonus_credits=50), AT) == [
        "all 50 bonus credits of this wallet are valid until 2026-01-31T09:00:00Z now, for a wallet has one expiry"
    ]
