"""The group `batchctl webhook`."""

import typer

from batchctl.cli.options import Deadline, Json
from batchctl.cli.stage import run_stage

app = typer.Typer(help="Tell customers what became of their batches.", no_args_is_help=True)


@app.command()
def deliver(*, deadline: Deadline = None, json: Json = False) -> None:
    """Try the deliveries that are due, with their quick retries."""
    from batchctl.service.webhooks import deliver as stage

    run_stage("webhook", stage, deadline_s=deadline, as_json=json)
