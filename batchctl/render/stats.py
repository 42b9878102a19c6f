"""Statistics as pages: counts beside bars, and their course over time as a line of blocks."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from batchctl.domain.stats import DAY, Breakdown, Dimension, FailureReport, Key, Tally
from batchctl.render.grid import Grid, Part

BAR_CELLS = 8
TREND_CELLS = 20
"""With these a page fits on 80 columns."""
SAMPLES = 8
NONE = "–"  # noqa: RUF001 - a dash as wide as a digit
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
_MORE = {
    Dimension.MODEL: "models",
    Dimension.REASON: "reasons",
    Dimension.CUSTOMER: "customers",
    Dimension.ERROR: "errors",
    Dimension.NOT_STARTED: "reasons",
}


class Drawn:
    """A cell that is neither folded nor cut where a terminal is narrow: a percentage, a bar."""

    def __init__(self, text: str) -> None:
        """Take it as it is to be shown."""
        self._text = text

    def __str__(self) -> str:
        """Return it as it is shown."""
        return self._text


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
            return _listed(report, Dimension.MODEL, _grid("MODEL", report.by_model, with_finished=True))
        case Breakdown.REASON:
            return _reasons(report)
        case Breakdown.CUSTOMER:
            return _listed(report, Dimension.CUSTOMER, _grid("CUSTOMER", report.by_customer, with_finished=True))
        case Breakdown.HOUR | Breakdown.DAY:
            return [_times(report, by.upper())]
        case _:
            assert_never(by)


def _headline(report: FailureReport) -> str:
    batches = f", {_number(len(report.batch_ids), 'batch', 'batches')}" if report.batch_ids else ""
    window = f"{_time(report.since)} to {_time(report.until)}{batches}"
    if not report.finished:
        return f"{window}\nno task finished"
    failed = f"{report.failed} failed ({percent(report.rate)})" if report.failed else "none failed"
    refunded = f", {report.credits_refunded} credits given back" if report.credits_refunded else ""
    return f"{window}\n{_number(report.finished, 'task', 'tasks')} finished, {failed}{refunded}"


def _types(report: FailureReport) -> Grid:
    grid = _grid("TYPE", report.by_type)
    trends = (sparkline([bucket.by_type[tally.key] for bucket in report.trend]) for tally in report.by_type)
    unit = "day" if report.bucket_seconds == DAY.total_seconds() else "hour"
    return Grid(
        headings=(*grid.headings, "TREND"),
        rows=tuple((*row, trend) for row, trend in zip(grid.rows, trends, strict=True)),
        numbers=grid.numbers,
        cut=("TREND",),
        caption=f"trend: by {unit}, each line measured by its own highest",
    )


def _reasons(report: FailureReport) -> list[Part]:
    return _listed(report, Dimension.REASON, _grid("PROVIDER'S REASON", report.by_reason))


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


def _grid(heading: str, tallies: Sequence[Tally[Key]], *, with_finished: bool = False) -> Grid:
    longest = max((tally.failed for tally in tallies), default=0)
    finished = ("FINISHED",) if with_finished else ()
    return Grid(
        headings=(heading, *finished, "FAILED", "SHARE", "RATE", "REFUNDED", "BAR"),
        rows=tuple(
            (
                tally.key if tally.key is not None else NONE,
                *((tally.finished,) if with_finished else ()),
                tally.failed,
                percent(tally.share),
                percent(tally.rate),
                tally.credits_refunded,
                bar(tally.failed, longest),
            )
            for tally in tallies
        ),
        numbers=(*finished, "FAILED", "SHARE", "RATE", "REFUNDED"),
        cut=(heading,),
    )


def _listed(report: FailureReport, dimension: Dimension, grid: Grid, *, hidden: int = 0) -> list[Part]:
    """Show the largest, and say how many more there are, those `hidden` here too; nothing where there are none."""
    more = report.left_out[dimension] + hidden
    return [grid, *([f"… and {more} more {_MORE[dimension]}"] if more else [])] if grid.rows else []


def _apart(report: FailureReport) -> list[Part]:
    """Tell what is in no rate."""
    parts: list[Part] = []
    if report.not_started:
        tasks = _number(report.not_started, "task", "tasks")
        they_are = "was not started; it is" if report.not_started == 1 else "were not started; they are"
        grid = Grid(
            headings=("NOT STARTED", "BECAUSE"),
            rows=tuple((one.count, one.reason or NONE) for one in report.not_started_by_reason),
            numbers=("NOT STARTED",),
            cut=("BECAUSE",),
        )
        parts += [f"{tasks} of refused batches {they_are} in no rate", *_listed(report, Dimension.NOT_STARTED, grid)]
    if report.late_results == 1:
        parts += ["1 result came after its task had been failed; it is never charged"]
    elif report.late_results:
        parts += [f"{report.late_results} results came after their tasks had been failed; they are never charged"]
    return parts


def percent(ratio: float | None) -> Drawn:
    """Write a ratio; what is not quite nothing, or not quite all, does not look so."""
    if ratio is None:
        return Drawn(NONE)
    if 0 < ratio < 0.0005:  # noqa: PLR2004 - half of the last digit that is shown
        return Drawn("<0.1%")
    return Drawn(">99.9%" if 0.9995 <= ratio < 1 else f"{ratio:.1%}")  # noqa: PLR2004 - as above


def bar(part: int, longest: int) -> Drawn:
    """Draw a bar in eighths of a cell; whatever is more than nothing is seen."""
    eighths = max(1, round(part / longest * BAR_CELLS * 8)) if part else 0
    whole, rest = divmod(eighths, 8)
    return Drawn("█" * whole + (_EIGHTHS[rest] if rest else ""))


def sparkline(values: Sequence[int]) -> str:
    """Draw values side by side, the highest one full; of more than fit, neighbours are drawn as their mean."""
    cells = min(len(values), TREND_CELLS)
    means = [_mean(values[cell * len(values) // cells : (cell + 1) * len(values) // cells]) for cell in range(cells)]
    highest = max(means, default=0.0)
    return "".join(_LEVELS[1 + min(6, int(mean / highest * 7))] if mean else _LEVELS[0] for mean in means)


def _number(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values)


def _time(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M %Z}"
