"""Endpoints as pages: what an operator reads of them, and what is never shown."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from batchctl.domain.endpoint import Act, EndpointLine, EndpointList, EndpointReport, ResealReport, SecretLine
from batchctl.render.documents import document
from batchctl.render.endpoint import lines, resealed, said, table
from batchctl.render.grid import plain
from batchctl.render.tables import print_page

AT = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
ID = UUID(int=0xD7BC8737 << 96)
SECRET = SecretLine(endpoint_id=ID, fingerprint="0a1b2c3d", created_at=AT, expires_at=None)
WELL = EndpointLine(
    id=ID,
    user_id=UUID(int=0x6513270E << 96),
    receiver="https://hooks.customer.example",
    created_at=AT,
    failing_since=None,
    disabled_at=None,
    disabled_reason=None,
    disabled_by=None,
    waiting_count=0,
    secrets=(SECRET,),
)
DISABLED = replace(
    WELL,
    failing_since=AT,
    disabled_at=AT.replace(hour=10),
    disabled_reason="it answered 410: gone for good",
    disabled_by="batchctl",
    waiting_count=12,
    secrets=(),
)
FAILING = replace(WELL, failing_since=AT, secrets=(replace(SECRET, fingerprint="ffffffff", expires_at=AT), SECRET))


def of(*lines: EndpointLine) -> EndpointList:
    """List these."""
    return EndpointList(endpoints=lines, more=False)


def report(act: str, line: EndpointLine, **given: object) -> EndpointReport:
    """Report that this was done."""
    return replace(EndpointReport(schema="", act=Act(act), endpoint=line), **given)  # type: ignore[arg-type]  # fields by name


def test_pipe_gets_all_of_it() -> None:
    """Whole ids, and each value in a column of its own."""
    head, *rows = plain(lines(of(WELL, DISABLED, FAILING))).split("\n")
    cells = [dict(zip(head.split("\t"), row.split("\t"), strict=True)) for row in rows]
    assert cells[0] == {
        "ENDPOINT": str(ID),
        "CUSTOMER": str(WELL.user_id),
        "RECEIVER": "https://hooks.customer.example",
        "STATE": "active",
        "FAILING SINCE": "",
        "DISABLED": "",
        "BY": "",
        "REASON": "",
        "WAITING": "0",
        "SECRETS": "0a1b2c3d of 2026-01-31",
    }
    assert cells[1] == cells[0] | {
        "STATE": "disabled",
        "FAILING SINCE": "2026-01-31T09:00:00Z",
        "DISABLED": "2026-01-31T10:00:00Z",
        "BY": "batchctl",
        "REASON": "it answered 410: gone for good",
        "WAITING": "12",
        "SECRETS": "the default one",
    }
    assert cells[2] == cells[0] | {
        "STATE": "failing",
        "FAILING SINCE": "2026-01-31T09:00:00Z",
        "SECRETS": "ffffffff of 2026-01-31 until 2026-01-31T09:00:00Z, 0a1b2c3d of 2026-01-31",
    }


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_terminal_shows_what_matters(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Endpoint, state and the beginning of the reason stand on the narrowest terminal too."""
    monkeypatch.setenv("COLUMNS", str(columns))
    print_page([table(of(DISABLED))])
    shown = capsys.readouterr().out
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= columns
    assert all(word in shown for word in ("d7bc8737", "disabled", "410", "hooks.customer.e"))
    assert ("the default one" in shown) == (columns > 100)
    assert sum("d7bc8737" in line for line in shown.splitlines()) == len(shown.strip().splitlines()) - 2


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (report("add", WELL, secret="whsec_x"), ["signs with 0a1b2c3d of 2026-01-31", "shown this once"]),
        (report("rotate", FAILING), ["ffffffff of 2026-01-31 until 2026-01-31T09:00:00Z, 0a1b2c3d"]),
        (report("add", replace(DISABLED, secrets=(SECRET,))), ["the endpoint is disabled (it answered 410"]),
        (report("disable", DISABLED), ["is disabled (it answered 410", "its events are kept until it is enabled"]),
        (report("disable", DISABLED, changed=False), ["was disabled before, 2026-01-31T10:00:00Z (it answered 410"]),
        (report("enable", WELL, released=12), ["is enabled", "12 events that had waited for it are due"]),
        (report("enable", WELL, changed=False), ["was not disabled"]),
    ],
)
def test_what_was_done_is_said(done: EndpointReport, words: list[str]) -> None:
    """With the endpoint, the customer and the receiver, and what follows."""
    told = said(done)
    for word in (str(ID), str(WELL.user_id), WELL.receiver, *words):
        assert word in told
    assert "whsec_" not in told
    assert ("shown this once" in told) == (done.secret is not None)


def test_document_has_the_secret_where_one_was_made() -> None:
    """That is the one place where it is told."""
    assert '"secret": "whsec_x"' in document(report("add", WELL, secret="whsec_x"))
    assert '"secret": null' in document(report("add", WELL))


def test_resealing_says_what_is_left() -> None:
    """Whether the old keys can go."""
    assert resealed(ResealReport(resealed=3, unreadable=0)).endswith("the other keys can go")
    assert "1 cannot be opened" in resealed(ResealReport(resealed=3, unreadable=1))
