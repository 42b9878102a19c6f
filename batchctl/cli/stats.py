"""The group `batchctl stats`."""

import typer

app = typer.Typer(help="Count what happened.", no_args_is_help=True)
