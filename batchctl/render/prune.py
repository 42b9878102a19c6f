"""What was pruned, as a table."""

from batchctl.domain.prune import PruneReport
from batchctl.render.grid import Grid, instant


def table(report: PruneReport) -> Grid:
    """Show how many rows of each kind went, or would go."""
    rows = (
        ("webhook_deliveries", "events delivered or given up", report.deliveries),
        ("delivery_attempts", "their tries", report.attempts),
        ("late_results", "results that came late", report.late_results),
        ("runs", "passes", report.runs),
    )
    done = "would be deleted" if report.dry_run else "deleted"
    return Grid(
        headings=("TABLE", "WHAT", "ROWS"),
        rows=rows,
        numbers=("ROWS",),
        caption=f"older than {instant(report.before)}: {done}",
    )
