"""Options that several commands share."""

from typing import Annotated

import typer

from batchctl.cli.output import Form

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
    typer.Option("--since", metavar="TIME", help="From then on: 30m, 2h, 7d (ago), or a date with or without a time."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Until then, itself left out.")]
