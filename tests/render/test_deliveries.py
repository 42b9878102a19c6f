"""Events and tries as pages: what an operator needs first, on a narrow terminal too, whatever strangers wrote."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.delivery_page import AttemptList, EventLine, EventList, EventShow, TryEntry
from batchctl.domain.endpoint import EndpointLine, SecretLine
from batchctl.render.deliveries import listing, log, page
from batchctl.render.grid import Grid, plain
from batchctl.render.tables import print_page

AT = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
WAITS = EventLine(
    id=UUID(int=0x6513270E << 96),
    batch_id=UUID(int=0xD7BC8737 << 96),
    user_id=UUID(int=0x7E5E7BBA << 96),
    event_type="batch.partial",
    receiver="https://hooks.customer.example",
    status=DeliveryStatus.RETRYING,
    attempts=3,
    last_status_code=503,
    last_error="HTTP 503",
    created_at=AT,
    next_attempt_at=AT,
    delivered_at=None,
    endpoint_id=None,
    endpoint_disabled_at=None,
)
SENT = replace(
    WAITS,
    status=DeliveryStatus.SENT,
    last_status_code=204,
    last_error=None,
    next_attempt_at=None,
    delivered_at=AT,
)
KEPT = replace(
    WAITS,
    last_error="ENDPOINT_DISABLED",
    next_attempt_at=None,
    endpoint_id=UUID(int=0xABCD0000 << 96),
    endpoint_disabled_at=AT,
)
TRY = TryEntry(
    delivery_id=WAITS.id,
    attempt=3,
    started_at=AT,
    duration_ms=81,
    status_code=503,
    error="HTTP 503",
    answer="closed until nine",
    by_operator=False,
    batch_id=WAITS.batch_id,
    user_id=WAITS.user_id,
    event_type=WAITS.event_type,
    receiver=WAITS.receiver,
    status=WAITS.status,
    next_attempt_at=AT,
)
ENDPOINT = EndpointLine(
    id=UUID(int=0xABCD0000 << 96),
    user_id=WAITS.user_id,
    receiver=WAITS.receiver,
    created_at=AT,
    failing_since=AT,
    disabled_at=None,
    disabled_reason=None,
    disabled_by=None,
    waiting_count=0,
    secrets=(SecretLine(endpoint_id=UUID(int=1), fingerprint="0a1b2c3d", created_at=AT, expires_at=None),),
)


def of(line: EventLine = WAITS, *tries: TryEntry, endpoint: EndpointLine | None = None, own: int = 0) -> EventShow:
    """Show an event."""
    return EventShow(as_of=AT, delivery=line, endpoint=endpoint, own_secrets=own, body='{"a":1}', attempts=tries)


def told(shown: EventShow) -> dict[str, str]:
    """Return the lines at the top of the page, by what stands before each."""
    head = page(shown)[0]
    assert isinstance(head, Grid)
    return dict(line.split("\t") for line in plain(head).split("\n"))


def cells(grid: Grid) -> list[dict[str, str]]:
    """Return the rows of a grid as a pipe gets them, by their headings."""
    head, *rows = (line.split("\t") for line in plain(grid).split("\n"))
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (WAITS, "HTTP 503; next try 2026-01-31T09:00:00Z"),
        (replace(WAITS, status=DeliveryStatus.PENDING, last_error=None), "next try 2026-01-31T09:00:00Z"),
        (SENT, ""),
        (replace(WAITS, status=DeliveryStatus.FAILED, next_attempt_at=None), "HTTP 503"),
        (KEPT, "kept until its endpoint is enabled: abcd0000"),
    ],
)
def test_detail_says_what_an_event_waits_for(line: EventLine, detail: str) -> None:
    """Why the last try failed, and when the next one follows, or what keeps it."""
    (row,) = cells(listing(EventList(deliveries=(line,), more=False)))
    assert (row["DETAIL"], row["DELIVERY"], row["STATUS"]) == (detail, str(line.id), str(line.status))


@pytest.mark.parametrize(
    ("shown", "waits"),
    [
        (of(), "the next pass: due 2026-01-31T09:00:00Z"),
        (of(replace(WAITS, next_attempt_at=AT + timedelta(minutes=5))), "a pass, from 2026-01-31T09:05:00Z on"),
        (
            of(WAITS, replace(TRY, duration_ms=None)),
            "a try that is under way, until 2026-01-31T09:00:00Z at the latest",
        ),
        (of(SENT), "nothing: it is delivered"),
        (
            of(replace(WAITS, status=DeliveryStatus.FAILED)),
            f"nothing: it is given up; `batchctl webhook resend {WAITS.batch_id}` tries it once more",
        ),
        (of(KEPT), f"its endpoint: `batchctl webhook endpoint enable {KEPT.endpoint_id}` sends it"),
    ],
)
def test_page_says_what_it_waits_for(shown: EventShow, waits: str) -> None:
    """And names the command where an operator is waited for."""
    assert told(shown)["next"] == waits


@pytest.mark.parametrize(
    ("shown", "signed", "endpoint"),
    [
        (of(), "the default secret", "not known as one: no secret of its own, and no failure so far"),
        (
            of(endpoint=ENDPOINT, own=1),
            "0a1b2c3d of 2026-01-31",
            f"{ENDPOINT.id}, failing since 2026-01-31T09:00:00Z",
        ),
        (
            of(endpoint=replace(ENDPOINT, secrets=(), disabled_at=AT, disabled_reason="too slow")),
            "the default secret",
            f"{ENDPOINT.id}, disabled since 2026-01-31T09:00:00Z: too slow",
        ),
        (
            of(own=2),
            "2 of the customer's own, which get_enterprise_webhook_for_batch returns",
            "not known as one: no secret of its own, and no failure so far",
        ),
    ],
)
def test_page_says_how_it_is_signed(shown: EventShow, signed: str, endpoint: str) -> None:
    """Secrets by their fingerprints, and how the endpoint stands."""
    lines = told(shown)
    assert (lines["signed with"], lines["endpoint"]) == (signed, endpoint)


def test_page_has_tries_and_body() -> None:
    """The body byte for byte; how to see older tries where there are more."""
    parts = page(of(WAITS, TRY))
    assert isinstance(parts[1], Grid)
    assert cells(parts[1])[0]["ANSWER"] == "closed until nine"
    assert parts[2] == f"2 older tries: batchctl webhook attempts {WAITS.id} --limit N"
    assert str(parts[3]).endswith('\n{"a":1}')


def test_log_says_who_asked_and_what_is_unknown() -> None:
    """A try by hand is told as such, and so is one without an end."""
    tries = (replace(TRY, by_operator=True), replace(TRY, duration_ms=None, error=None, status_code=None))
    rows = cells(log(AttemptList(attempts=tries, more=False)))
    assert [row["ERROR"] for row in rows] == ["HTTP 503; by an operator", "under way, or its worker died"]
    assert rows[0]["NEXT"] == "2026-01-31T09:00:00Z"


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_tables_fit(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Long names and wide characters are cut, not folded into the next line; ids and codes stay whole."""
    monkeypatch.setenv("COLUMNS", str(columns))
    long = replace(WAITS, receiver="https://a-very-long-name-of-a-host.customer.example", last_error="視頻" * 60)
    entry = replace(TRY, receiver=long.receiver, answer="視頻" * 200)
    print_page([listing(EventList(deliveries=(long,), more=False)), log(AttemptList(attempts=(entry,), more=False))])
    out = capsys.readouterr().out
    assert max(map(len, out.split("\n"))) <= columns
    assert out.count("65132") == 2
    assert "503" in out


def test_hostile_text_is_harmless(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a receiver or a customer wrote moves the cursor, turns a line, or is taken for markup."""
    hostile = "\x1b[2J\x1b]0;t\x07[red]x[/red]\r\n\u202eabc"
    line = replace(WAITS, receiver=f"http://{hostile}", last_error=hostile, event_type=hostile)
    entry = replace(TRY, receiver=hostile, error=hostile, answer=hostile)
    endpoint = replace(ENDPOINT, disabled_reason=hostile, disabled_at=AT)
    parts = [
        listing(EventList(deliveries=(line,), more=False)),
        log(AttemptList(attempts=(entry,), more=False)),
        *page(replace(of(line, entry, endpoint=endpoint), body=hostile)),
    ]
    monkeypatch.setenv("COLUMNS", "300")
    print_page(parts)
    for text in (capsys.readouterr().out, "\n".join(plain(part) for part in parts)):
        assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)
        assert "[red]x[/red]" in text
