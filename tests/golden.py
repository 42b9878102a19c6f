"""Golden screens: pages as they look on a terminal and in a pipe, kept as text files beside the tests.

`BATCHCTL_GOLDEN=write pytest tests/test_golden.py` writes them anew; read the difference before you commit it.
"""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import unified_diff
from io import StringIO
from pathlib import Path

from rich.console import Console

from batchctl.render.grid import Part, plain
from batchctl.render.tables import laid_out, print_whole

DIRECTORY = Path(__file__).parent / "golden"
WIDTHS = (80, 120, 200)
ZONE = "Asia/Shanghai"
"""Where the operator of the screens sits."""
NOW = datetime(2026, 1, 31, 9, 15, tzinfo=UTC)
VARIABLE = "BATCHCTL_GOLDEN"
_HOW = f"if it is meant to look so, run: {VARIABLE}=write python -m pytest tests/test_golden.py"


def golden(name: str, text: str) -> None:
    """Compare a text with the file of that name, or write the file where the variable asks for that."""
    file = DIRECTORY / f"{name}.txt"
    if os.environ.get(VARIABLE) == "write":
        file.write_text(text, encoding="utf-8")
        return
    assert file.is_file(), f"there is no {file.name} yet; {_HOW}"
    kept = file.read_text(encoding="utf-8")
    difference = "\n".join(unified_diff(kept.split("\n"), text.split("\n"), "as it is kept", "as it is", lineterm=""))
    assert not difference, f"{file.name} differs; {_HOW}\n{difference}"


def screens(page: Sequence[Part], piped: Sequence[Part] | None = None) -> str:
    """Return a page as it looks at each width, and below them what a pipe gets, where that is not the same."""
    at_each = [f"{f' {width} columns ':━^{width}}\n{on_terminal(page, width)}" for width in WIDTHS]
    in_pipe = "\n\n".join(plain(part) for part in (page if piped is None else piped))
    return "\n".join([*at_each, f"{' in a pipe ':━^80}\n{in_pipe}\n"])


def on_terminal(page: Sequence[Part], width: int) -> str:
    """Return a page as a terminal of that width shows it, without the blanks at the ends of its lines."""
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=False, markup=False, highlight=False, emoji=False)
    for part in laid_out(page, console, now=NOW):
        print_whole(part, console)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))
