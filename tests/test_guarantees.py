"""docs/guarantees.md: each promise names what shows that it holds, and all that it names is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "guarantees.md").read_text()
PROMISES = [paragraph for paragraph in TEXT.split("\n\n") if paragraph.startswith("**")]
NAMED = re.compile(r"`((?:tests|sql)/[^`]*)`")


def there_is(named: str) -> bool:
    """Say whether a test, a file of tests, or a query is there by that name."""
    path, _, test = named.partition("::")
    files = [*ROOT.glob(path)]
    if not test:
        return bool(files)
    return any(
        isinstance(node, ast.FunctionDef) and node.name == test
        for file in files
        for node in ast.parse(file.read_text()).body
    )


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.strip("*").partition(".")[0][:40])
def test_each_promise_is_shown(promise: str) -> None:
    """A promise without a test is a wish."""
    assert any(named.startswith("tests/") for named in NAMED.findall(promise))


def test_all_that_is_named_is_there() -> None:
    """A test that was renamed is renamed here too."""
    assert len(PROMISES) > 15
    assert [named for named in NAMED.findall(TEXT) if not there_is(named)] == []
