"""Where results and talk go: stdout is data, stderr is talk; tables are for terminals only."""

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from batchctl.domain.problem import UsageProblem
from batchctl.domain.report import Finding, exit_code

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from batchctl.render.grid import Part


class Form(StrEnum):
    """How data is written: tables for people, all others for programs."""

    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


def take_any_character() -> None:
    """Let stdout write out what its encoding lacks, as stderr does: no customer's text ends a command."""
    stream: object = sys.stdout  # under test it may be another kind of stream
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


class UnwritableError(Exception):
    """Nothing more can be written to stdout, for its disk is full or it is gone."""


def open_closed_streams() -> None:
    """Let a command that was started without stdin, stdout or stderr read nothing and write nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - open as long as the process
            setattr(sys, name, nowhere)


def give_up_stdout() -> None:
    """Write no more to a stdout that is gone, not at the end of the process either."""
    with suppress(OSError, ValueError, io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_terminal() -> bool:
    """Say whether a person reads stdout."""
    return sys.stdout.isatty()


def write(text: str) -> None:
    """Write a line of data to stdout, at once; UnwritableError when it takes none."""
    with _written():
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def write_error(text: str) -> None:
    """Write lines of talk to stderr; what strangers said in them is made harmless."""
    from batchctl.render.clean import clean

    for line in text.rstrip("\n").split("\n"):
        with suppress(OSError):  # Who closed it does not want to hear.
            sys.stderr.write(f"{clean(line)}\n")


def write_document(report: "DataclassInstance") -> None:
    """Write a report as a JSON document, which is JSON in whatever encoding stdout has."""
    from batchctl.render.documents import document

    write(document(report, only_ascii=not sys.stdout.encoding.lower().startswith("utf")))


def chosen(form: Form | None, *, json: bool = False) -> Form:
    """Return the form that was asked for, else tables on a terminal and plain text in a pipe; --json is -o json."""
    if json and form not in {None, Form.JSON}:
        raise UsageProblem(f"--json and -o {form} exclude each other")
    return form or (Form.JSON if json else Form.TABLE if is_terminal() else Form.PLAIN)


def give(
    report: "DataclassInstance",
    page: "Callable[[], Sequence[Part]]",
    form: Form,
    *,
    nothing: str | None = None,
    whole_ids: bool = False,
) -> None:
    """Write a report in a form that `chosen` returned; the page is made only where a form shows it.

    Where its tables have no row, `nothing` is said on stderr instead. UsageProblem for a page that CSV cannot hold.
    """
    from batchctl.render import documents
    from batchctl.render.grid import Grid, csv, plain

    if form in {Form.JSON, Form.JSONL}:
        only_ascii = not sys.stdout.encoding.lower().startswith("utf")
        make = documents.document if form is Form.JSON else documents.lines
        if text := make(report, only_ascii=only_ascii):
            write(text)
        return
    parts = page()
    grids = [part for part in parts if isinstance(part, Grid)]
    if nothing is not None and not any(grid.rows for grid in grids):
        write_error(nothing)
    elif form is Form.TABLE:
        show_tables(*parts, whole_ids=whole_ids)
    elif form is Form.PLAIN:
        write("\n\n".join(plain(part) for part in parts))
    elif len(grids) == 1:
        write(csv(grids[0]))
    else:
        raise UsageProblem("this page is not one table, so it cannot be CSV: -o json holds all of it")


def show(*parts: "Part") -> None:
    """Write a page: tables on a terminal, tab-separated lines into a pipe, parts parted by empty lines."""
    if is_terminal():
        show_tables(*parts)
    else:
        from batchctl.render.grid import plain

        write("\n\n".join(plain(part) for part in parts))


def show_tables(*parts: "Part", whole_ids: bool = False) -> None:
    """Write a page as tables, even into a pipe: for what is written to be read."""
    from batchctl.render.tables import print_page
    from batchctl.wiring import local_clock

    with _written():
        print_page(parts, whole_ids=whole_ids, now=local_clock())
        sys.stdout.flush()


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UnwritableError(error.strerror or str(error)) from error


def close_with(findings: Iterable[Finding]) -> None:
    """Say each finding on stderr and leave with the exit code that they ask for (contract §6)."""
    import typer

    from batchctl.render.clean import clean

    findings = list(findings)
    for finding in findings:
        write_error(f"error: {clean(finding.message)}")
    if findings:
        raise typer.Exit(exit_code(findings))
