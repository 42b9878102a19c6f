"""Statistics as pages: counts beside bars, and their course over time as a line of blocks."""

from collections.abc import Sequence
from typing import assert_never

from batchctl.domain.stats import Before, Breakdown, Dimension, FailureReport, Key, Tally
from batchctl.domain.window import DAY
from batchctl.render.clean import clean
from batchctl.render.counted import some
from batchctl.render.drawn import NONE, bar, change, percent, sparkline
from batchctl.render.grid import Grid, Part, instant
from batchctl.render.times import span

SAMPLES = 8
_MORE = {
    Dimension.MODEL: "models",
    Dimension.REASON: "reasons",
    Dimension.CUSTOMER: "customers",
    Dimension.ERROR: "errors",
    Dimension.NOT_STARTED: "reasons",
}


def failures(report: FailureReport, by: Breakdown | None) -> list[Part]:
    """Show failures by type, by the provider's reason and by error, or by one thing only; the rest stands apart."""
    parts = _tables(report, by) if report.finished else []
    return [_headline(report), *parts, *_apart(report)]


def _tables(report: FailureReport, by: Breakdown | None) -> list[Part]:
    match by:
        case None:
            return [_types(report), *_reasons(report), *_samples(report)]
        case Breakdown.TYPE:
            return [_types(report)]
        case Breakdown.MODEL:
            return _listed(report, Dimension.MODEL, _grid(report, "MODEL", report.by_model, with_finished=True))
        case Breakdown.REASON:
            return _reasons(report)
        case Breakdown.CUSTOMER:
            return _listed(
                report, Dimension.CUSTOMER, _grid(report, "CUSTOMER", report.by_customer, with_finished=True)
            )
        case Breakdown.HOUR | Breakdown.DAY:
            return [_times(report, by.upper())]
        case _:
            assert_never(by)


def sheet(report: FailureReport, by: Breakdown | None) -> Grid:
    """Return one view as a table for programs: plain numbers, rates from 0 to 1; by type where none is asked for."""
    match by or Breakdown.TYPE:
        case Breakdown.TYPE:
            return _sheet("TYPE", report.by_type)
        case Breakdown.MODEL:
            return _sheet("MODEL", report.by_model)
        case Breakdown.REASON:
            return _sheet("REASON", report.by_reason)
        case Breakdown.CUSTOMER:
            return _sheet("CUSTOMER", report.by_customer)
        case Breakdown.HOUR | Breakdown.DAY as unit:
            types = tuple(tally.key.upper() for tally in report.by_type)
            rows = tuple((one.start, one.finished, one.failed, one.rate, *one.by_type.values()) for one in report.trend)
            return Grid(headings=(unit.upper(), "FINISHED", "FAILED", "RATE", *types), rows=rows)


def _sheet(heading: str, tallies: Sequence[Tally[Key]]) -> Grid:
    headings = (
        *(heading, "FINISHED", "FAILED", "SHARE", "RATE", "REFUNDED"),
        *("FINISHED_BEFORE", "FAILED_BEFORE", "RATE_BEFORE"),
    )
    rows = tuple(
        (
            *(tally.key, tally.finished, tally.failed, tally.share, tally.rate, tally.credits_refunded),
            *(tally.finished_before, tally.failed_before, tally.rate_before),
        )
        for tally in tallies
    )
    return Grid(headings=headings, rows=rows)


def _headline(report: FailureReport) -> str:
    batches = f", {some(len(report.batch_ids), 'batch', 'batches')}" if report.batch_ids else ""
    window = f"{instant(report.since)} to {instant(report.until)}{batches}{_cut(report)}"
    refunded = f", {report.credits_refunded} credits given back" if report.credits_refunded else ""
    return f"{window}\n{_finished(report)}{refunded}{_before(report)}"


def _cut(report: FailureReport) -> str:
    customer = "" if report.user_id is None else f", customer {report.user_id}"
    return customer if report.model is None else f"{customer}, model {clean(report.model)}"


def _before(report: FailureReport) -> str:
    """Say what it was like in the time before."""
    before = report.before
    if before is None or not (before.finished or report.finished):
        return ""
    moved = change(report.rate, before.rate)
    compared = "" if str(moved) == NONE else f", {moved} points since then" if str(moved) != "=" else ", as now"
    return f"\nin the {span(before.until - before.since)} before: {_finished(before)}{compared}"


def summary(report: FailureReport) -> str:
    """Say in one line how many failed."""
    return f"{_finished(report)} from {instant(report.since)} to {instant(report.until)}"


def _finished(what: FailureReport | Before) -> str:
    if not what.finished:
        return "no task finished"
    failed = f"{what.failed} failed ({percent(what.rate)})" if what.failed else "none failed"
    return f"{some(what.finished, 'task')} finished, {failed}"


def _types(report: FailureReport) -> Grid:
    grid = _grid(report, "TYPE", report.by_type)
    trends = (sparkline([bucket.by_type[tally.key] for bucket in report.trend]) for tally in report.by_type)
    unit = "day" if report.bucket_seconds == DAY.total_seconds() else "hour"
    return Grid(
        headings=(*grid.headings, "TREND"),
        rows=tuple((*row, trend) for row, trend in zip(grid.rows, trends, strict=True)),
        numbers=grid.numbers,
        cut=("TREND",),
        spare=grid.spare,
        caption=f"trend: by {unit}, each by its own highest{_compared(report)}",
    )


def _compared(report: FailureReport) -> str:
    return "" if report.before is None else "; before, was: the time before"


def _reasons(report: FailureReport) -> list[Part]:
    return _listed(report, Dimension.REASON, _grid(report, "PROVIDER'S REASON", report.by_reason))


def _samples(report: FailureReport) -> list[Part]:
    grid = Grid(
        headings=("FAILED", "LAST SEEN", "TASK", "ERROR"),
        rows=tuple((one.count, one.last_seen_at, one.task_id, one.error or NONE) for one in report.samples[:SAMPLES]),
        numbers=("FAILED",),
        cut=("ERROR",),
    )
    return _listed(report, Dimension.ERROR, grid, hidden=len(report.samples[SAMPLES:]))


def _times(report: FailureReport, heading: str) -> Grid:
    types = tuple(tally.key.removesuffix("_error").upper() for tally in report.by_type)
    return Grid(
        headings=(heading, "FAILED", "RATE", *types),
        rows=tuple((one.start, one.failed, percent(one.rate), *one.by_type.values()) for one in report.trend),
        numbers=("FAILED", "RATE", *types),
        caption="days begin at midnight UTC" if heading == "DAY" else "",
    )


def _grid(report: FailureReport, heading: str, tallies: Sequence[Tally[Key]], *, with_finished: bool = False) -> Grid:
    longest = max((tally.failed for tally in tallies), default=0)
    finished = ("FINISHED",) if with_finished else ()
    compared = () if report.before is None else ("BEFORE", "WAS", "CHANGE")
    return Grid(
        headings=(heading, *finished, "FAILED", "SHARE", "RATE", *compared, "REFUNDED", "BAR"),
        rows=tuple(
            (
                tally.key if tally.key is not None else NONE,
                *((tally.finished,) if with_finished else ()),
                tally.failed,
                percent(tally.share),
                percent(tally.rate),
                *(_was(tally) if compared else ()),
                tally.credits_refunded,
                bar(tally.failed, longest),
            )
            for tally in tallies
        ),
        numbers=(*finished, "FAILED", "SHARE", "RATE", *compared, "REFUNDED"),
        cut=(heading,),
        spare=("BAR", "SHARE", "REFUNDED") if compared else (),
    )


def _was(tally: Tally[Key]) -> tuple[object, ...]:
    return tally.failed_before, percent(tally.rate_before), change(tally.rate, tally.rate_before)


def _listed(report: FailureReport, dimension: Dimension, grid: Grid, *, hidden: int = 0) -> list[Part]:
    """Show the largest, and say how many more there are, those `hidden` here too; nothing where there are none."""
    more = report.left_out[dimension] + hidden
    return [grid, *([f"… and {more} more {_MORE[dimension]}"] if more else [])] if grid.rows else []


def _apart(report: FailureReport) -> list[Part]:
    """Tell what is in no rate."""
    parts: list[Part] = []
    if report.not_started:
        tasks = some(report.not_started, "task")
        they_are = "was not started: it is" if report.not_started == 1 else "were not started: they are"
        grid = Grid(
            headings=("NOT STARTED", "BECAUSE"),
            rows=tuple((one.count, one.reason or NONE) for one in report.not_started_by_reason),
            numbers=("NOT STARTED",),
            cut=("BECAUSE",),
        )
        parts += [
            f"{tasks} of refused or cancelled batches {they_are} in no rate",
            *_listed(report, Dimension.NOT_STARTED, grid),
        ]
    if report.late_results == 1:
        parts += ["1 result came after its task had been failed; it is never charged"]
    elif report.late_results:
        parts += [f"{report.late_results} results came after their tasks had been failed; they are never charged"]
    return parts
