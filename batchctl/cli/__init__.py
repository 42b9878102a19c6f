"""The command line: registers the commands, and turns whatever goes wrong into a line and an exit code."""

import io
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import Annotated

import typer

from batchctl import __version__
from batchctl.cli import batch, endpoint, output, stats, wallet, webhook
from batchctl.cli.audit import audit
from batchctl.cli.demo import demo
from batchctl.cli.dispatch import dispatch
from batchctl.cli.doctor import doctor
from batchctl.cli.history import history
from batchctl.cli.migrate import migrate
from batchctl.cli.poll import poll
from batchctl.cli.run_once import run_once
from batchctl.cli.settle import settle
from batchctl.cli.signals import InterruptedBySignal
from batchctl.domain.problem import Problem

app = typer.Typer(
    name="batchctl",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Runs paid, asynchronous batches of generation jobs on PostgreSQL.",
)
app.command("run-once")(run_once)
app.command()(dispatch)
app.command()(poll)
app.command()(settle)
app.command()(audit)
app.command()(migrate)
app.command()(doctor)
app.command()(history)
app.command()(demo)
app.add_typer(batch.app, name="batch")
app.add_typer(wallet.app, name="wallet")
webhook.app.add_typer(endpoint.app, name="endpoint")
app.add_typer(webhook.app, name="webhook")
app.add_typer(stats.app, name="stats")


@dataclass(frozen=True, slots=True)
class State:
    """What a command knows of how it was called."""

    debug: bool
    arguments: tuple[str, ...]
    """All of them, as they were written."""


def _print_version(value: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if value:
        output.write(f"batchctl {__version__}")
        raise typer.Exit


@app.callback()
def before_command(
    context: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", metavar="", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", metavar="", help="Show the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Run paid, asynchronous batches of generation jobs on PostgreSQL."""
    del version  # its callback has done the work
    context.obj = State(debug=debug, arguments=context.obj)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code (contract §6); no traceback unless --debug is given."""
    arguments = sys.argv[1:] if arguments is None else arguments
    output.open_closed_streams()
    output.take_any_character()
    if all(map(str.isprintable, arguments)):
        return _run(arguments)
    with redirect_stderr(io.StringIO()) as said:  # Wrong ones are quoted there, and not by us.
        code = _run(arguments)
    if said.getvalue():
        output.write_error(said.getvalue())
    return code


def _run(arguments: Sequence[str]) -> int:
    try:
        app(args=list(arguments), prog_name="batchctl", obj=tuple(arguments))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1 if stop.code else 0
    except InterruptedBySignal as interruption:
        output.write_error("interrupted: what was in flight is recorded or will be found by the next pass")
        return interruption.exit_code
    except KeyboardInterrupt:
        output.write_error("interrupted: whether what was asked for is done is not known; look before you repeat it")
        return 130
    except BrokenPipeError:
        output.give_up_stdout()
        return 1
    except output.UnwritableError as error:
        output.give_up_stdout()
        output.write_error(f"error: stdout cannot be written ({error}); the command itself is done: do not repeat it")
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: a line for the operator instead of a traceback
        if "--debug" in arguments:
            output.write_error(traceback.format_exc())
        if isinstance(error, Problem):
            output.write_error(f"error: {error}")
            return error.exit_code
        what = str(error).partition("\n")[0]
        output.write_error(f"error: {type(error).__name__}: {what} (this is a bug; --debug shows where)")
        return 1
    return 0
