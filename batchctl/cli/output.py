"""Where results and talk go: stdout is data, stderr is talk; tables are for terminals only."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from batchctl.domain.report import Finding, exit_code

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from batchctl.render.grid import Part


def is_terminal() -> bool:
    """Say whether a person reads stdout."""
    return sys.stdout.isatty()


def write(text: str) -> None:
    """Write a line of data to stdout."""
    sys.stdout.write(f"{text}\n")


def write_error(text: str) -> None:
    """Write lines of talk to stderr; what strangers said in them is made harmless."""
    from batchctl.render.clean import clean

    for line in text.rstrip("\n").split("\n"):
        sys.stderr.write(f"{clean(line)}\n")


def write_document(report: "DataclassInstance") -> None:
    """Write a report as a JSON document."""
    from batchctl.render.documents import document

    write(document(report))


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

    print_page(parts)


def close_with(findings: Iterable[Finding]) -> None:
    """Say each finding on stderr and leave with the exit code that they ask for (contract §6)."""
    import typer

    from batchctl.render.clean import clean

    findings = list(findings)
    for finding in findings:
        write_error(f"error: {clean(finding.message)}")
    if findings:
        raise typer.Exit(exit_code(findings))
