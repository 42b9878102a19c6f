"""What the command line says beyond what commands declare: examples in each help page, and what was perhaps meant."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click.core import Context  # typer has no public name for it

WIDTH = 75
"""Of an example on a terminal of 80 columns; a longer one goes on in a line of its own, as shells write it."""
_NOT_ONE_OF = re.compile(r"(?:Value error, )?('.*') is not one of (.*?)\.?", re.DOTALL)


class Guide(TyperGroup):
    """The root of the commands; it adds to a wrong value the right one that is most like it."""

    def invoke(self, ctx: "Context") -> Any:  # noqa: ANN401 - whatever the command returns
        """Run a command; BadParameter with a hint when a value is none of those that can be chosen."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = hinted(error.message)
            raise


def hinted(message: str) -> str:
    """Add to `'modle' is not one of 'type', 'model'` which of them was perhaps meant."""
    found = _NOT_ONE_OF.fullmatch(message)
    if found is None:
        return message
    from difflib import get_close_matches

    wrong, right = found[1], re.findall(r"'([^']*)'", found[2])
    close = get_close_matches(wrong.strip("'").lower(), right, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"{wrong} is not one of {found[2]}.{hint}"


def leaves(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer names no class for it
    """Yield each command that can be run, with what is typed for it."""
    below: dict[str, Any] | None = getattr(command, "commands", None)
    if below is None:
        yield path, command
    for name, child in (below or {}).items():
        yield from leaves(child, f"{path} {name}".strip())


def add_examples(command: Any) -> None:  # noqa: ANN401 - as above
    """Write examples below the help of each command of a tree."""
    from textwrap import wrap

    from batchctl.cli.examples import EXAMPLES

    for path, leaf in leaves(command):
        lines = [
            " \\\n".join(wrap(f"$ {example}", WIDTH, break_on_hyphens=False)) for example in EXAMPLES.get(path, ())
        ]
        if lines:
            leaf.epilog = "\n".join(["Examples:", *lines]).replace("[", "\\[")
