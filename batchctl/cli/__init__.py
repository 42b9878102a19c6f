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
from batchctl.cli import batch, completion, config, endpoint, hold, output, stats, task, wallet, watch, webhook
from batchctl.cli.audit import audit
from batchctl.cli.cancel import cancel
from batchctl.cli.demo import demo
from batchctl.cli.dispatch import dispatch
from batchctl.cli.doctor import doctor
from batchctl.cli.follow import watch_batch
from batchctl.cli.guide import Guide, add_examples
from batchctl.cli.history import history
from batchctl.cli.migrate import migrate
from batchctl.cli.pause import pause, resume
from batchctl.cli.ping import ping
from batchctl.cli.poll import poll
from batchctl.cli.prune import prune
from batchctl.cli.resend import recover, resend
from batchctl.cli.retry import retry_batches, retry_tasks
from batchctl.cli.run_once import run_once
from batchctl.cli.settle import settle
from batchctl.cli.signals import InterruptedBySignal
from batchctl.cli.verify import verify
from batchctl.cli.worker import worker
from batchctl.domain.problem import Problem

app = typer.Typer(
    name="batchctl",
    cls=Guide,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Runs paid, asynchronous batches of generation jobs on PostgreSQL.",
)
app.command("run-once")(run_once)
app.command()(worker)
app.command()(dispatch)
app.command()(poll)
app.command()(settle)
app.command()(audit)
app.command()(migrate)
app.command()(doctor)
app.command()(history)
app.command()(prune)
app.command()(pause)
app.command()(resume)
app.command()(demo)
app.command()(completion.completion)
batch.app.command()(cancel)
batch.app.command("retry")(retry_batches)
batch.app.command("watch")(watch_batch)
app.add_typer(batch.app, name="batch")
task.app.command("retry")(retry_tasks)
app.add_typer(task.app, name="task")
app.add_typer(hold.app, name="hold")
app.add_typer(wallet.app, name="wallet")
webhook.app.command()(resend)
webhook.app.command()(recover)
webhook.app.command("test")(ping)
webhook.app.command()(verify)
webhook.app.add_typer(endpoint.app, name="endpoint")
app.add_typer(webhook.app, name="webhook")
app.add_typer(stats.app, name="stats")
app.add_typer(config.app, name="config")


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


def main(arguments: Sequence[str] | None = None, *, program: str = "batchctl") -> int:
    """Run the command line and return its exit code (contract §6); no traceback unless --debug is given.

    `program` is how it was called, for whoever is told what to type next.
    """
    arguments = watch.spelled_out(sys.argv[1:] if arguments is None else arguments)
    output.open_closed_streams()
    output.take_any_character()
    if all(map(str.isprintable, arguments)):
        return _run(arguments, program)
    with redirect_stderr(io.StringIO()) as said:  # Wrong ones are quoted there, and not by us.
        code = _run(arguments, program)
    if said.getvalue():
        output.write_error(said.getvalue())
    return code


def _call(arguments: Sequence[str], program: str) -> int:
    """Run what is asked for, or tell a shell what could be typed; what typer runs ends in SystemExit."""
    command = typer.main.get_command(app)
    if completion.is_asked():
        return completion.answer(command)
    if "--help" in arguments:
        add_examples(command)
    command(args=list(arguments), prog_name=program, obj=tuple(arguments))
    return 0


def _run(arguments: Sequence[str], program: str) -> int:
    try:
        return _call(arguments, program)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1 if stop.code else 0
    except InterruptedBySignal as interruption:
        output.write_error(f"interrupted: {interruption.said}")
        return interruption.exit_code
    except KeyboardInterrupt:
        output.write_error("interrupted")
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
