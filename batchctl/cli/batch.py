"""The group `batchctl batch`."""

import typer

app = typer.Typer(help="Enqueue batches, and look at them.", no_args_is_help=True)
