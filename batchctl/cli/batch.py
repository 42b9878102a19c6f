"""The group `batchctl batch`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, BinaryIO
from uuid import UUID

import typer

from batchctl.cli import ask, output
from batchctl.cli.desk import at_desk
from batchctl.cli.options import (
    MOST,
    Batches,
    Failed,
    Held,
    Json,
    Limit,
    NoTrunc,
    OfModel,
    OfUser,
    Output,
    Reason,
    Since,
    Statuses,
    Until,
)
from batchctl.domain.batch_file import Format
from batchctl.domain.problem import UsageProblem

if TYPE_CHECKING:
    from batchctl.domain.batch_page import CreateReport
    from batchctl.domain.new_task import NewTask

app = typer.Typer(help="Enqueue batches, look at them, cancel them, try them again.", no_args_is_help=True)

STDIN = "-"


@app.command()
def create(
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSONL or CSV, one task a line; - reads stdin.")],
    *,
    user: Annotated[UUID, typer.Option("--user", metavar="UUID", help="The customer who pays.")],
    cost_per_video: Annotated[
        int, typer.Option("--cost-per-video", min=0, metavar="CREDITS", help="The price of each task that succeeds.")
    ],
    webhook_url: Annotated[
        str | None, typer.Option("--webhook-url", metavar="URL", help="Where the customer is told of the batch's end.")
    ] = None,
    request_id: Annotated[
        str | None,
        typer.Option("--request-id", metavar="TEXT", help="Enqueue once under this id, however often it is asked for."),
    ] = None,
    format_: Annotated[
        Format | None, typer.Option("--format", help="How FILE is written; else its ending tells, and stdin is jsonl.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Write nothing; check FILE and show what it would cost.")
    ] = False,
    reason: Reason = None,
    json: Json = False,
) -> None:
    """Enqueue a batch from a file, whole or not at all; prints its id.

    A task has a prompt, and may have model, reference_url, aspect_ratio, duration (seconds), size and meta (a JSON
    object). Every line is checked before anything is written, and all wrong ones are named.
    """
    from batchctl.render.progress import watched
    from batchctl.service.actions import acting
    from batchctl.service.create import create as enqueue

    tasks = _read(file, format_)
    with at_desk() as world:
        written = partial(
            enqueue,
            world,
            tasks,
            user_id=user,
            cost_per_video=cost_per_video,
            webhook_url=webhook_url or None,
            request_id=request_id,
            watch=partial(watched, what="writing tasks", total=len(tasks)),
        )
        if dry_run:
            report = written(dry_run=True)
        else:
            with acting(world, ask.called(reason)) as tally:
                report = written(dry_run=False)
                tally.matched_count = report.total_count
                tally.changed_count = 0 if report.already_enqueued else report.total_count
    _show_created(report, as_json=json)


@app.command("list")
def list_(
    batches: Batches = None,
    *,
    status: Statuses = None,
    user: OfUser = None,
    model: OfModel = None,
    failure_type: Failed = None,
    held: Held = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """List batches, the newest first; `batch cancel` and `batch retry` take the same selector."""
    from batchctl.render.batches import listing
    from batchctl.service.batch import list_newest
    from batchctl.service.select import Selector, select_batches

    shape = output.chosen(form, json=json)
    selector = Selector(since=since, until=until, user_id=user, model=model, failure_type=failure_type, only_held=held)
    with at_desk() as world:
        wanted = select_batches(world, batches or (), selector, status or ())
        report = list_newest(world, wanted, limit)
    output.give(report, lambda: [listing(report)], shape, nothing="no batch matches", whole_ids=no_trunc)
    if report.more:
        output.write_error(f"{limit} shown, more match: --limit N shows more")


@app.command()
def show(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="The id of a batch, or its first digits.")],
    *,
    tasks: Annotated[bool, typer.Option("--tasks", metavar="", help="List its tasks too.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MOST, metavar="N", help="With --tasks: at most so many.")
    ] = 100,
    no_trunc: NoTrunc = False,
    form: Output = None,
    json: Json = False,
) -> None:
    """Show a batch: what it waits for, its money, its tasks, and what its customer was told."""
    from batchctl.render.batch import page
    from batchctl.service import batch as service
    from batchctl.service.pick import pick

    shape = output.chosen(form, json=json)
    with at_desk() as world:
        (batch_id,) = pick(world.db, [batch])
        shown = service.show(world, batch_id, task_limit=limit if tasks else None)
    if shown.task_list is not None and len(shown.task_list) < shown.tasks.total:
        output.write_error(f"{len(shown.task_list)} of {shown.tasks.total} tasks listed: --limit N lists more")
    output.give(shown, lambda: page(shown), shape, whole_ids=no_trunc)


def _read(file: str, file_format: Format | None) -> "list[NewTask]":
    """Read the tasks of a file; UsageProblem when it cannot be read, or names every line that cannot be used."""
    from batchctl.domain.batch_file import MAX_LINE_BYTES, format_of, read, text_lines
    from batchctl.render.progress import watched

    if file_format is None and file == STDIN:
        output.write_error("reading tasks from stdin as jsonl; --format csv reads CSV")
        file_format = Format.JSONL
    file_format = file_format or format_of(file)
    if file_format is None:
        message = f"{file}: the ending does not tell the format: write --format jsonl or --format csv"
        raise UsageProblem(message)
    try:
        with _opened(file) as stream:
            lines = iter(partial(stream.readline, MAX_LINE_BYTES + 1), b"")
            return read(text_lines(watched(lines, what="reading lines", total=None)), file_format)
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror or error}"
        raise UsageProblem(message) from error
    except UsageProblem as problem:
        message = f"{file}: {problem}"
        raise UsageProblem(message) from problem


@contextmanager
def _opened(file: str) -> "Iterator[BinaryIO]":
    if file == STDIN:
        yield sys.stdin.buffer
    else:
        with open(file, "rb") as stream:  # noqa: PTH123 - an argument, not a place in the program's own tree
            yield stream


def _show_created(report: "CreateReport", *, as_json: bool) -> None:
    from batchctl.render.batches import order, shortage

    if report.already_enqueued:
        output.write_error("already enqueued under this request id: nothing was written")
    elif warning := shortage(report):
        output.write_error(warning)
    if as_json:
        output.write_document(report)
    elif report.batch_id is None:
        output.write_error("a rehearsal: nothing was written")
        output.show(order(report))
    elif output.is_terminal():
        output.write(f"batch {report.batch_id}")
        output.show(order(report))
        output.write(f"what becomes of it: batchctl batch show {str(report.batch_id)[:8]}")
    else:
        output.write(str(report.batch_id))
