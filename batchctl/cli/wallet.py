"""The group `batchctl wallet`."""

import typer

app = typer.Typer(help="Look at customers' credits, and give some.", no_args_is_help=True)
