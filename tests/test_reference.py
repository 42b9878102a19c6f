"""The reference of commands and documents is the one that the program makes."""

import json

import pytest

from tests.cli.tour import commands
from tests.reference import DOCS, commands_page, schemas

WITHOUT_SCHEMA = {"dispatch", "poll", "run-once", "settle", "webhook deliver", "migrate", "batch watch"}
"""Commands whose documents are older than schemas, or those of another command (batch show)."""


def test_commands_are_those_of_the_program() -> None:
    """`make reference` would change nothing in docs/commands.md."""
    assert (DOCS / "commands.md").read_text("utf-8") == commands_page()


def test_documents_are_those_of_the_program() -> None:
    """`make reference` would change nothing in docs/json: a key that goes, or changes its kind, is seen in a review."""
    written = {file.stem: json.loads(file.read_text("utf-8")) for file in (DOCS / "json").glob("*.json")}
    assert written == schemas()


@pytest.mark.parametrize("path", sorted(commands()))
def test_every_document_is_described(path: str) -> None:
    """A command with --json has a schema of its name."""
    options = {name for one in commands()[path].params for name in one.opts}
    if "--json" not in options or path in WITHOUT_SCHEMA:
        return
    assert f"{path.replace(' ', '.')}.1" in schemas()
