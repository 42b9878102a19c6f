"""Rows on hold as a table, before and after their release."""

from batchctl.domain.hold import HoldLine, HoldList, ReleaseLine, ReleaseReport
from batchctl.render.grid import Grid


def listing(report: HoldList) -> Grid:
    """Show what is on hold, why, since when and what is frozen for it."""
    rows = tuple(
        (one.kind, one.id, one.batch_id, one.user_id, one.status, one.held_since, one.credits, one.hold_reason)
        for one in report.holds
    )
    return Grid(
        headings=("KIND", "ID", "BATCH", "CUSTOMER", "STATE", "SINCE", "CREDITS", "REASON"),
        rows=rows,
        numbers=("CREDITS",),
        spare=("CUSTOMER", "STATE", "BATCH"),
        caption=f"{report.credits} credits are frozen for them; {_way_out(report)}",
    )


def _way_out(report: HoldList) -> str:
    doubt = "; decide about tasks in doubt: batchctl task resolve ID" if _in_doubt(report.holds) else ""
    return f"mend the cause, then: batchctl hold release ID{doubt}"


def released(report: ReleaseReport) -> Grid:
    """Show what was released, or would be."""
    rows = tuple(
        (one.kind, one.id, one.batch_id, one.user_id, one.credits, _outcome(one, report), one.error or one.hold_reason)
        for one in report.holds
    )
    return Grid(
        headings=("KIND", "ID", "BATCH", "CUSTOMER", "CREDITS", "OUTCOME", "WAS HELD FOR"),
        rows=rows,
        numbers=("CREDITS",),
        spare=("CUSTOMER", "BATCH"),
    )


def _outcome(one: ReleaseLine, report: ReleaseReport) -> str:
    if one.released:
        return "released"
    return "refused by the database" if one.error else "would be released" if report.dry_run else "was on hold no more"


def decisions(holds: tuple[HoldLine, ...], policy: str) -> str | None:
    """Say of tasks that may be at the provider what their release means."""
    number = _in_doubt(holds)
    if not number:
        return None
    some = "1 task may" if number == 1 else f"{number} tasks may"
    return (
        f"{some} be at the provider already, without an id here: once released, passes decide by "
        f"BATCH_ORPHAN_POLICY={policy}; `batchctl task resolve` decides otherwise"
    )


def _in_doubt(holds: tuple[HoldLine, ...]) -> int:
    return sum(one.needs_decision for one in holds)


def count(holds: tuple[HoldLine, ...]) -> str:
    """Say how many of what kind."""
    kinds = [one.kind for one in holds]
    numbers = [(kinds.count(kind), kind) for kind in dict.fromkeys(sorted(kinds))]
    return " and ".join(
        f"{number} {kind if number == 1 else f'{kind}es' if kind == 'batch' else f'{kind}s'}"
        for number, kind in numbers
    )
