"""Where results and talk go: stdout is data, stderr is talk; tables are for terminals only."""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from batchctl.domain.report import Finding, exit_code

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from batchctl.render.grid import Part


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


def show(*parts: "Part") -> None:
    """Write a page: tables on a terminal, tab-separated lines into a pipe, parts parted by empty lines."""
    if is_terminal():
        show_tables(*parts)
    else:
        from batchctl.render.grid import plain

        write("\n\n".join(plain(part) for part in parts))


def show_tables(*parts: "Part") -> None:
    """Write a page as tables, even into a pipe: for what is written to be read."""
    from batchctl.render.tables import print_page

    with _written():
        print_page(parts)
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
