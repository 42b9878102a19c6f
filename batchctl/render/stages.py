"""Reports of passes and stages as pages."""

from batchctl.domain.report import PassReport
from batchctl.render import words
from batchctl.render.grid import Grid


def stages(report: PassReport) -> Grid:
    """Show a pass stage by stage."""
    headings = ("STAGE", "WHAT IT DID")
    took = (
        f"{report.duration_ms} ms" if report.passes == 1 else f"{report.passes} passes, {report.duration_ms} ms of work"
    )
    return Grid(headings=headings, rows=tuple(words.stages(report)), caption=took)


def stage(name: str, report: words.Stage) -> Grid:
    """Show one stage."""
    return Grid(headings=("STAGE", "WHAT IT DID"), rows=((name, words.stage(report)),))
