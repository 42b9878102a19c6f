"""Rows on hold as people read them: how many of what, what became of each, and what is to be decided."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from batchctl.domain.hold import HoldKind, HoldLine, HoldList, ReleaseLine, ReleaseReport
from batchctl.render.grid import plain
from batchctl.render.hold import count, decisions, listing, released

BATCH, TASK, USER = UUID(int=1), UUID(int=2), UUID(int=3)
LINE = HoldLine(
    kind=HoldKind.BATCH,
    id=BATCH,
    batch_id=BATCH,
    batch_index=None,
    user_id=USER,
    status="processing",
    hold_reason="WALLET_NOT_FOUND",
    held_since=datetime(2026, 1, 31, 9, tzinfo=UTC),
    needs_decision=False,
    credits=30,
)
OF_TASK = replace(LINE, kind=HoldKind.TASK, id=TASK, batch_index=0, needs_decision=True, credits=10)
RELEASED = ReleaseLine(
    kind=HoldKind.BATCH,
    id=BATCH,
    batch_id=BATCH,
    user_id=USER,
    status="processing",
    hold_reason="x",
    credits=30,
    released=True,
    error=None,
)


def test_rows_are_counted_by_kind() -> None:
    """One is said as one, several as several, and no kind that is not there."""
    assert count((LINE,)) == "1 batch"
    assert count((OF_TASK, OF_TASK, LINE)) == "1 batch and 2 tasks"
    assert count((LINE, LINE, OF_TASK)) == "2 batches and 1 task"


def test_list_says_what_is_at_stake() -> None:
    """The credits of a task whose batch is on hold are counted once; the caption has the sum."""
    other = replace(OF_TASK, batch_id=UUID(int=9))
    grid = listing(HoldList(holds=(LINE, OF_TASK, other), more=False))

    assert grid.caption == (
        "40 credits are frozen for them; mend the cause, then: batchctl hold release ID; "
        "decide about tasks in doubt: batchctl task resolve ID"
    )
    assert plain(grid).splitlines()[1] == (
        f"batch\t{BATCH}\t{BATCH}\t{USER}\tprocessing\t2026-01-31T09:00:00Z\t30\tWALLET_NOT_FOUND"
    )


def test_each_release_says_what_became_of_it() -> None:
    """Released, rehearsed, refused, or released by somebody else before."""
    other = replace(RELEASED, released=False)
    refused = replace(other, error="violates something")
    done = plain(released(ReleaseReport(dry_run=False, holds=(RELEASED, other, refused)))).splitlines()[1:]
    rehearsed = plain(released(ReleaseReport(dry_run=True, holds=(other,)))).splitlines()[1]

    assert [line.split("\t")[5:] for line in done] == [
        ["released", "x"],
        ["was on hold no more", "x"],
        ["refused by the database", "violates something"],
    ]
    assert rehearsed.split("\t")[5] == "would be released"


def test_decisions_are_said_where_there_are() -> None:
    """Only tasks that the provider may have need a word about the policy that decides about them."""
    assert decisions((LINE,), "fail") is None
    assert (decisions((LINE, OF_TASK), "fail") or "").startswith("1 task may be at the provider already")
    assert "2 tasks may be" in (decisions((OF_TASK, OF_TASK), "hold") or "")
