"""A diagnosis as a page: the judgement first, what to do below what was found."""

from batchctl.domain.doctor import DoctorReport, Level
from batchctl.render.grid import Grid, Part


def page(report: DoctorReport) -> list[Part]:
    """Show every line, and how many need attention."""
    rows = tuple(
        (one.level, one.check, one.found + (f" → {one.advice}" if one.advice else "")) for one in report.diagnoses
    )
    failed = sum(one.level is Level.FAIL for one in report.diagnoses)
    warned = sum(one.level is Level.WARN for one in report.diagnoses)
    summary = f"{len(rows)} checks: {failed} failed, {warned} to be looked at" if failed or warned else "all is well"
    return [Grid(headings=("", "CHECK", "FOUND"), rows=rows), summary]
