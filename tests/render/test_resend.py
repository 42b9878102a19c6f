"""Resends as pages: what an operator reads, on a narrow terminal too, whatever strangers wrote."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.resend import ResendLine, ResendReport, ResendResult, report
from batchctl.render.grid import plain
from batchctl.render.resend import detail, lines, summary, table
from batchctl.render.tables import print_page

AT = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
DELIVERED = ResendLine(
    batch_id=UUID(int=0xD7BC8737 << 96),
    event_type="batch.partial",
    webhook_id=UUID(int=0x6513270E << 96),
    receiver="https://hooks.customer.example",
    result=ResendResult.DELIVERED,
    status=DeliveryStatus.SENT,
    attempts=13,
    status_code=204,
    duration_ms=81,
    delivered_at=AT,
)
NOT_DELIVERED = replace(
    DELIVERED,
    result=ResendResult.NOT_DELIVERED,
    status=DeliveryStatus.FAILED,
    status_code=503,
    error="HTTP 503",
    delivered_at=None,
)
NOT_TRIED = replace(DELIVERED, result=ResendResult.NOT_TRIED, status_code=None, duration_ms=None, error="it is busy")


def of(*some: ResendLine, dry_run: bool = False) -> ResendReport:
    """Report these lines."""
    return report(some, len(some), (), dry_run=dry_run)


def test_pipe_gets_all_of_it() -> None:
    """Whole ids, the address's scheme, and each value in a column of its own."""
    head, line = plain(lines(of(DELIVERED))).split("\n")
    assert dict(zip(head.split("\t"), line.split("\t"), strict=True)) == {
        "BATCH": "d7bc8737-0000-0000-0000-000000000000",
        "EVENT": "batch.partial",
        "WEBHOOK-ID": "6513270e-0000-0000-0000-000000000000",
        "RECEIVER": "https://hooks.customer.example",
        "RESULT": "delivered",
        "CODE": "204",
        "MS": "81",
        "STATUS": "sent",
        "TRIES": "13",
        "NEXT": "",
        "DETAIL": "",
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (DELIVERED, ""),
        (NOT_DELIVERED, "HTTP 503"),
        (replace(NOT_DELIVERED, next_attempt_at=AT), "HTTP 503; next try 2026-01-31T09:00:00Z"),
        (
            replace(NOT_DELIVERED, status=DeliveryStatus.SENT, delivered_at=AT),
            "HTTP 503; delivered before, 2026-01-31T09:00:00Z",
        ),
        (replace(DELIVERED, receiver_before="https://old"), "to a new address (before: https://old)"),
        (replace(DELIVERED, receiver_before=DELIVERED.receiver), "to a new address (the same host)"),
        (
            replace(DELIVERED, result=ResendResult.WOULD_BE_TRIED, status=None, webhook_id=None, delivered_at=None),
            "never told: the event comes from the books",
        ),
    ],
)
def test_detail_says_what_matters(line: ResendLine, said: str) -> None:
    """Why it failed, when it is tried again, that an earlier delivery stands, that the address is another one."""
    assert detail(line) == said


def test_summary_counts_what_there_is() -> None:
    """Each result with its number, none that did not happen; a dry run says that it was one."""
    assert (
        summary(of(DELIVERED, NOT_DELIVERED, NOT_DELIVERED, NOT_TRIED)) == "1 delivered, 2 not delivered, 1 not tried"
    )
    would = replace(DELIVERED, result=ResendResult.WOULD_BE_TRIED)
    assert summary(of(would, dry_run=True)) == "1 would be tried; a dry run: nothing was sent"


@pytest.mark.parametrize("dry_run", [False, True])
def test_hostile_text_is_harmless(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, dry_run: bool
) -> None:
    """Nothing that a receiver or a customer wrote moves the cursor, turns a line, or is taken for markup."""
    hostile = "\x1b[2J\x1b]0;t\x07[red]x[/red]\r\n\u202eabc"
    line = replace(NOT_DELIVERED, receiver=f"http://{hostile}", receiver_before=hostile, error=hostile)
    monkeypatch.setenv("COLUMNS", "200")
    print_page([table(of(line, dry_run=dry_run))])
    shown = capsys.readouterr().out
    for text in (shown, plain(lines(of(line, dry_run=dry_run)))):
        assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)
        assert "[red]x[/red]" in text
    assert len(plain(lines(of(line))).split("\n")) == 2


def test_narrow_terminal_shows_the_result_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In 80 columns the batch, the result, the code and the time stand in one line; the address is cut, not folded."""
    monkeypatch.setenv("COLUMNS", "80")
    long_host = replace(NOT_DELIVERED, receiver="https://a-very-long-name-of-a-host.customer.example")
    print_page([table(of(long_host))])
    out = capsys.readouterr().out
    assert max(map(len, out.split("\n"))) <= 80
    (row,) = (line for line in out.split("\n") if "d7bc8737" in line)
    assert row.split() == ["d7bc8737", row.split()[1], "not", "delivered", "503", "81", "HTTP", "503"]
    assert row.split()[1].endswith("…")
