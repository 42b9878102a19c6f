"""Lists of batches on wide and narrow terminals, and what is said of an order."""

import io
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from batchctl.domain.batch import BatchLine, BatchStatus
from batchctl.domain.batch_page import BatchList, CreateReport
from batchctl.domain.delivery import DeliveryStatus
from batchctl.render.batches import listing, order, shortage
from batchctl.render.grid import plain
from batchctl.render.tables import print_page

LINE = BatchLine(
    id=UUID("0033894e-7d3c-4c5f-9a55-1f2f3c4d5e6f"),
    created_at=datetime(2026, 1, 31, 9, tzinfo=UTC),
    user_id=UUID("7e5e7bba-0000-4000-8000-000000000001"),
    status=BatchStatus.PROCESSING,
    total_count=1200,
    success_count=9,
    failed_count=3,
    frozen_credits=12_000,
    credits_spent=9000,
    credits_refunded=3000,
    last_error=None,
    hold_reason=None,
    tasks_on_hold=0,
    webhook_status=DeliveryStatus.RETRYING,
    webhook_attempts=3,
)
ORDER = CreateReport(
    batch_id=LINE.id,
    user_id=LINE.user_id,
    total_count=3,
    cost_per_video=10,
    required_credits=30,
    available_credits=25,
    missing_credits=5,
)


def heading(columns: int, monkeypatch: pytest.MonkeyPatch, *lines: BatchLine) -> list[str]:
    """Return the headings that a terminal of so many columns has room for."""
    monkeypatch.setenv("COLUMNS", str(columns))
    out = io.StringIO()
    with redirect_stdout(out):
        print_page([listing(BatchList(batches=lines, more=False))])
    shown = [line for line in out.getvalue().splitlines() if line.strip()]
    assert max(map(len, shown)) <= columns
    assert len(shown) == 2 + len(lines)
    return shown[0].split()


def test_pipe_gets_every_column() -> None:
    """A script gets whole ids and instants in UTC, in columns that are always the same."""
    assert plain(
        listing(BatchList(batches=(LINE, replace(LINE, created_at=None, webhook_status=None)), more=True))
    ) == (
        "BATCH\tCREATED\tSTATE\tTASKS\tDONE\tFAILED\tFROZEN\tCHARGED\tBACK\tWEBHOOK\tCUSTOMER\n"
        "0033894e-7d3c-4c5f-9a55-1f2f3c4d5e6f\t2026-01-31T09:00:00Z\tprocessing\t1200\t9\t3\t12000\t9000\t3000\t"
        "retrying\t7e5e7bba-0000-4000-8000-000000000001\n"
        "0033894e-7d3c-4c5f-9a55-1f2f3c4d5e6f\t\tprocessing\t1200\t9\t3\t12000\t9000\t3000\t\t"
        "7e5e7bba-0000-4000-8000-000000000001"
    )


def test_customer_and_money_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a narrow terminal whole columns are left out, and no line is broken."""
    every = ["BATCH", "CREATED", "STATE", "TASKS", "DONE", "FAILED", "FROZEN", "CHARGED", "BACK", "WEBHOOK", "CUSTOMER"]
    short = replace(LINE, status=BatchStatus.PARTIAL, credits_spent=90)

    assert heading(160, monkeypatch, LINE) == every
    assert heading(100, monkeypatch, LINE) == every[:10]
    assert heading(80, monkeypatch, LINE) == [*every[:6], "WEBHOOK"]
    assert heading(80, monkeypatch, short) == [*every[:6], "CHARGED", "WEBHOOK"]


def test_held_batches_stand_out() -> None:
    """A batch on hold, or one with a task on hold, is `held`, whatever else it is."""
    for held in (replace(LINE, hold_reason="stuck"), replace(LINE, tasks_on_hold=1)):
        assert "\theld\t1200\t" in plain(listing(BatchList(batches=(held,), more=False)))


def test_order_shows_the_wallet_beside_the_price() -> None:
    """What a batch costs stands beside what the wallet has for it."""
    assert plain(order(ORDER)) == "TASKS\tCREDITS EACH\tREQUIRED\tAVAILABLE\tMISSING\n3\t10\t30\t25\t5"
    assert plain(order(replace(ORDER, available_credits=None))).endswith("\t30\t\t5")


def test_shortage_names_what_helps() -> None:
    """A wallet that cannot pay is said with the command that helps; one that can is not."""
    user = ORDER.user_id

    assert shortage(ORDER) == (
        "warning: the wallet has 25 credits for it, and it needs 30: the pass that claims it refuses it for good "
        f"(INSUFFICIENT_CREDITS), unless you grant first: `batchctl wallet grant {user} 5 --reason TEXT`"
    )
    assert shortage(replace(ORDER, available_credits=None, required_credits=0, missing_credits=0)) == (
        f"warning: customer {user} has no wallet: the pass that claims it refuses it for good "
        f"(WALLET_NOT_FOUND), unless you grant first: `batchctl wallet grant {user} 1 --reason TEXT`"
    )
    assert shortage(replace(ORDER, available_credits=30, missing_credits=0)) is None
