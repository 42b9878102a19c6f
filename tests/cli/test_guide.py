"""Help pages with examples that work, and hints at what was perhaps meant."""

import re
import shlex

import pytest
import typer

from batchctl.cli import app
from batchctl.cli.examples import EXAMPLES
from batchctl.cli.guide import hinted, leaves
from tests.cli.conftest import Shell

COMMANDS = dict(leaves(typer.main.get_command(app)))
EVERY = [(path, example) for path, examples in EXAMPLES.items() for example in examples]


def test_every_command_has_examples() -> None:
    """Each command has one to three, and no command that is gone has any."""
    assert {path: 1 <= len(examples) <= 3 for path, examples in EXAMPLES.items()} == dict.fromkeys(COMMANDS, True)


@pytest.mark.parametrize(("path", "example"), EVERY, ids=[example for _, example in EVERY])
def test_example_is_understood(path: str, example: str) -> None:
    """An example is a call of its command that the program's own parser takes."""
    (call,) = re.findall(r"\bbatchctl ([^|>)]*)", example)
    words = shlex.split(call)
    depth = len(path.split())

    assert " ".join(words[:depth]) == path
    COMMANDS[path].make_context(path, words[depth:])


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_help_shows_the_examples(shell: Shell, path: str) -> None:
    """They stand below the options, whole, and can be pasted: a long one goes on after a backslash."""
    ran = shell.run(*path.split(), "--help", TERMINAL_WIDTH="80")

    _, _, below = ran.out.rpartition("Examples:")
    pasted = " ".join(line.strip().removesuffix("\\") for line in below.splitlines())
    assert ran.code == 0
    assert " ".join(pasted.split()) == " ".join(f"$ {example}" for example in EXAMPLES[path])


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("stats", "failures", "--by", "modle"), "Did you mean 'model'?"),
        (("batch", "list", "--status", "Procesing"), "Did you mean 'processing'?"),
        (("bach", "list"), "Did you mean 'batch'?"),
        (("batch", "shwo"), "Did you mean 'show'?"),
        (("run-once", "--jsno"), "Possible options: --json"),
    ],
)
def test_slip_is_answered_with_what_was_meant(shell: Shell, arguments: tuple[str, ...], hint: str) -> None:
    """A command, an option or a value that is nearly right: the right one is named, and the exit code is 2."""
    ran = shell.run(*arguments, TERMINAL_WIDTH="200")

    assert ran.code == 2
    assert hint in ran.err


def test_value_that_is_like_none_is_told_without_a_hint(shell: Shell) -> None:
    """Then all that can be chosen are listed, and nothing is made up."""
    ran = shell.run("stats", "failures", "--by", "zzz", TERMINAL_WIDTH="200")

    assert "is not one of 'type', 'model'" in ran.err
    assert "Did you mean" not in ran.err


def test_other_messages_stay_as_they_are() -> None:
    """Only the list of what can be chosen is taken apart."""
    assert hinted("'x' is no UUID") == "'x' is no UUID"
    assert (
        hinted("Value error, 'it's' is not one of 'its', 'our'.")
        == "'it's' is not one of 'its', 'our'. Did you mean 'its'?"
    )
