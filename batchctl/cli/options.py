"""Options that several commands share."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from batchctl.cli.output import Form
from batchctl.cli.pass_log import LogFormat
from batchctl.domain.batch import BatchStatus
from batchctl.domain.delivery import EventType
from batchctl.domain.failure import FailureType

Json = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON document and nothing else.")]
Output = Annotated[
    Form | None,
    typer.Option("-o", "--output", help="How data is written; else a table on a terminal, plain lines in a pipe."),
]
NoTrunc = Annotated[bool, typer.Option("--no-trunc", metavar="", help="Show whole ids on a terminal too.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", metavar="", help="Change nothing: show what would be changed, and stop.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Do not ask; needed where there is no terminal.")]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why; `batchctl history` shows it beside what was done.")
]
For = Annotated[
    float | None,
    typer.Option(
        "--for",
        min=0.0,
        metavar="SECONDS",
        help="Run passes for so long, asleep while nothing is due; the report sums them.",
    ),
]
Deadline = Annotated[
    float | None,
    typer.Option(
        "--deadline", min=0.0, metavar="SECONDS", help="Take no new work after so many seconds (run-once: 50)."
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help="From then on: 30m, 2h, 7d (ago), 09:00, or a date with or without a time."
    ),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Until then, itself left out.")]
OfUser = Annotated[UUID | None, typer.Option("--user", metavar="UUID", help="Of this customer.")]
OfBatch = Annotated[
    str | None, typer.Option("--batch", metavar="BATCH", help="Of this batch: its id, or the first digits of it.")
]
OfEvent = Annotated[EventType | None, typer.Option("--event", help="Of this kind.")]
OfEndpoint = Annotated[
    str | None,
    typer.Option("--endpoint", metavar="ENDPOINT", help="For this endpoint: its id, or the first digits of it."),
]
OfHost = Annotated[
    str | None, typer.Option("--host", metavar="HOST", help="For receivers of this name, with a port or without.")
]
LogForm = Annotated[
    LogFormat,
    typer.Option("--log-format", help="How lines on stderr are written: for people, or one JSON object each."),
]
MetricsFile = Annotated[
    Path | None,
    typer.Option("--metrics-file", metavar="PATH", help="Leave figures for node_exporter's textfile collector there."),
]
HealthFile = Annotated[
    Path | None,
    typer.Option("--health-file", metavar="PATH", help="Leave there, after each pass, when it ended and how (JSON)."),
]
MOST = 100_000
"""Lines of a list, and rows of an act: more than anybody reads, and few enough to stand in memory."""
Batches = Annotated[
    list[str] | None, typer.Argument(metavar="BATCH", help="Ids of batches, or their first digits; else a selector.")
]
Tasks = Annotated[
    list[str] | None, typer.Argument(metavar="TASK", help="Ids of tasks, or their first digits; else a selector.")
]
OfBatches = Annotated[
    list[str] | None, typer.Option("--batch", metavar="BATCH", help="Of this batch; may be repeated.")
]
Statuses = Annotated[list[BatchStatus] | None, typer.Option("--status", help="In this state; may be repeated.")]
OfModel = Annotated[str | None, typer.Option("--model", metavar="NAME", help="For this model, in whole or in part.")]
Failed = Annotated[FailureType | None, typer.Option("--failure-type", help="That failed so, in whole or in part.")]
Held = Annotated[
    bool, typer.Option("--held", metavar="", help="On hold, themselves or a task of theirs: waiting for you.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=MOST, metavar="N", help="At most so many, the newest.")]
ActLimit = Annotated[
    int | None, typer.Option("--limit", min=1, max=MOST, metavar="N", help="At most so many, the newest; else all.")
]
Again = Annotated[
    bool,
    typer.Option("--again", metavar="", help="Also what another batch tries again already; it is paid twice then."),
]
