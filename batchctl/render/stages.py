"""Reports of passes and stages as pages."""

from batchctl.domain.report import PassReport
from batchctl.render import words
from batchctl.render.grid import Grid


def stages(report: PassReport) -> Grid:
    """Show a pass stage by stage."""
    headings = ("STAGE", "WHAT IT DID")
    return Grid(headings=headings, rows=tuple(words.stages(report)), caption=f"{report.duration_ms} ms")


def stage(name: str, report: words.Stage) -> Grid:
    """Show one stage."""
    return Grid(headings=("STAGE", "WHAT IT DID"), rows=((name, words.stage(report)),))
