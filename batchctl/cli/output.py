"""Where results and talk go: stdout is data, stderr is talk; tables are for terminals only."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from batchctl.domain.report import Finding, exit_code

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from rich.table import Table


def is_terminal() -> bool:
    """Say whether a person reads stdout."""
    return sys.stdout.isatty()


def write(text: str) -> None:
    """Write a line of data to stdout."""
    sys.stdout.write(f"{text}\n")


def write_error(text: str) -> None:
    """Write a line of talk to stderr."""
    sys.stderr.write(f"{text}\n")


def write_document(report: "DataclassInstance") -> None:
    """Write a report as a JSON document."""
    from batchctl.render.documents import document

    write(document(report))


def write_table(shown: "Table") -> None:
    """Write a table to the terminal."""
    from rich.console import Console

    Console().print(shown)


def close_with(findings: Iterable[Finding]) -> None:
    """Say each finding on stderr and leave with the exit code that they ask for (contract §6)."""
    import typer

    findings = list(findings)
    for finding in findings:
        write_error(f"error: {finding.message}")
    if findings:
        raise typer.Exit(exit_code(findings))
