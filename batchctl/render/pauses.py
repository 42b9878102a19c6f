"""The brake as a table, and what it means that a stage is stopped."""

from batchctl.domain.pause import BrakeReport, Stage, StageLine
from batchctl.render.grid import Grid

MEANING = {
    Stage.DISPATCH: "queued batches wait and nothing is frozen for them; no task is sent, what was sent goes on",
    Stage.POLL: (
        "tasks at the provider are not asked for, and their videos' links live about 2 hours; a task that passes its "
        "deadline meanwhile is asked for once before it fails"
    ),
    Stage.SETTLE: "finished batches keep their credits frozen, and their customers are not told yet; nothing is lost",
    Stage.WEBHOOK: "customers are told later; `batchctl webhook resend` by hand still sends",
}
"""What an operator has to know of each stage that is stopped."""


def table(report: BrakeReport) -> Grid:
    """Show how each stage stands."""
    return Grid(
        headings=("STAGE", "STATE", "SINCE", "BY", "REASON"),
        rows=tuple((line.stage, line.state, line.paused_at, _by(line), line.reason) for line in report.stages),
    )


def _by(line: StageLine) -> str | None:
    return None if line.host is None else f"{line.os_user}@{line.host}"
