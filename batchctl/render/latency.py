"""How long each part of the way took, as a page: percentiles, and below them how the times are spread."""

from collections.abc import Iterator

from batchctl.domain.latency import Bin, LatencyReport, Part, PartLatency
from batchctl.render.clean import clean
from batchctl.render.drawn import NONE, Drawn, bar, percent
from batchctl.render.grid import Grid, instant
from batchctl.render.grid import Part as PagePart
from batchctl.render.times import duration

SAYS = {
    Part.START: "to start: arrival to first try",
    Part.FINISH: "to finish: first try to verdict",
    Part.SETTLE: "to settle: last verdict to settled",
    Part.TELL: "to tell: ended to first 2xx",
}


def page(report: LatencyReport) -> list[PagePart]:
    """Show the percentiles of each part, and a histogram of all."""
    head = f"{instant(report.since)} to {instant(report.until)}{_cut(report)}, by when it ended"
    if not any(part.count or part.open_count for part in report.parts):
        return [f"{head}\nnothing ended"]
    return [head, _percentiles(report), _histograms(report), *_open(report)]


def sheet(report: LatencyReport) -> Grid:
    """Return the percentiles as a table for programs, in seconds."""
    rows = tuple(
        (one.part, one.count, one.open_count, *map(_plain, (one.p50_s, one.p95_s, one.p99_s, one.longest_s)))
        for one in report.parts
    )
    return Grid(headings=("PART", "COUNT", "OPEN", "P50_S", "P95_S", "P99_S", "LONGEST_S"), rows=rows)


def _cut(report: LatencyReport) -> str:
    customer = "" if report.user_id is None else f", customer {report.user_id}"
    return customer if report.model is None else f"{customer}, model {clean(report.model)}"


def _percentiles(report: LatencyReport) -> Grid:
    rows = tuple(
        (SAYS[one.part], one.count, *map(_length, (one.p50_s, one.p95_s, one.p99_s, one.longest_s)))
        for one in report.parts
    )
    headings = ("TIME", "COUNT", "P50", "P95", "P99", "LONGEST")
    return Grid(headings=headings, rows=rows, numbers=headings[1:])


def _histograms(report: LatencyReport) -> Grid:
    """Show each part as a column of bars, the times going down."""
    rows = tuple(
        (_bound(bins), *(_share(one, number) for one in report.parts))
        for number, bins in enumerate(report.parts[0].histogram)
    )
    return Grid(headings=("WITHIN", *(f"TO {one.part.upper()}" for one in report.parts)), rows=rows)


def _share(one: PartLatency, number: int) -> Drawn:
    count, highest = one.histogram[number].count, max(each.count for each in one.histogram)
    if not count:
        return Drawn("")
    return Drawn(f"{bar(count, highest)!s:8} {percent(count / one.count)!s:>6}")


def _bound(one: Bin) -> Drawn:
    return Drawn("longer" if one.below_s is None else duration(one.below_s))


def _open(report: LatencyReport) -> Iterator[str]:
    for one in report.parts:
        if one.part is Part.TELL and one.open_count:
            are = "1 event has" if one.open_count == 1 else f"{one.open_count} events have"
            yield f"{are} not been taken by their customers' receivers, and are in no number"


def _length(seconds: float | None) -> Drawn:
    return Drawn(NONE if seconds is None else duration(seconds))


def _plain(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
