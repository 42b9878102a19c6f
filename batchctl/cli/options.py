"""Options that several commands share."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON document and nothing else.")]
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
