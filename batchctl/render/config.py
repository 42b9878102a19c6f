"""The settings as a table."""

from batchctl.domain.config import ConfigReport
from batchctl.render.grid import Grid


def table(report: ConfigReport) -> Grid:
    """Show each setting: what it is, where that comes from, what it means."""
    return Grid(
        headings=("VARIABLE", "VALUE", "FROM", "MEANING"),
        rows=tuple((one.variable, _value(one.value, one.problem), one.source, one.meaning) for one in report.settings),
        whole=("VARIABLE",),
        spare=("MEANING",),
    )


def _value(value: str, problem: str | None) -> str:
    return value if problem is None else f"{value.upper()}: {problem}"
