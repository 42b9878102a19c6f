"""A batch file is read whole, or every wrong line is named."""

import pytest

from batchctl.domain.batch_file import NewTask, read_jsonl
from batchctl.domain.problem import UsageProblem


def test_lines_become_tasks_in_order() -> None:
    """Each line is a task with the fields it names; empty lines are passed over."""
    tasks = read_jsonl(['{"prompt": "a cat"}', "", '{"prompt": "犬", "duration": 15, "meta": {"urls": []}}'])

    assert tasks == [NewTask(prompt="a cat"), NewTask(prompt="犬", duration=15, meta={"urls": []})]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("[]", "must be a JSON object"),
        ("{", "Expecting property name"),
        ('{"model": "sora-2"}', "prompt is missing"),
        ('{"prompt": ""}', "prompt is missing"),
        ('{"prompt": 7}', "prompt must be text"),
        ('{"prompt": "a\\u0000b"}', "prompt must be text"),
        ('{"prompt": "a\\ud800"}', "prompt must be text"),
        ('{"prompt": "a", "size": []}', "size must be text"),
        ('{"prompt": "a", "duration": 1.5}', "duration must be a whole number"),
        ('{"prompt": "a", "duration": true}', "duration must be a whole number"),
        ('{"prompt": "a", "meta": "x"}', "meta must be a JSON object"),
        ('{"prompt": "a", "colour": "red"}', "unknown fields: colour"),
        ("[" * 100_000, "line 1"),
    ],
)
def test_wrong_line_is_named(line: str, wrong: str) -> None:
    """A wrong line is named by its number with what is wrong, and nothing is read."""
    with pytest.raises(UsageProblem, match="line 1") as caught:
        read_jsonl([line])

    assert wrong in str(caught.value)


def test_all_wrong_lines_are_named_at_once() -> None:
    """Whoever mends a file sees everything that is wrong with it."""
    with pytest.raises(UsageProblem, match=r"line 1: .*; line 3: ") as caught:
        read_jsonl(["[]", '{"prompt": "fine"}', "7"])

    assert "line 2" not in str(caught.value)


def test_empty_file_is_no_batch() -> None:
    """A file without a task is refused."""
    with pytest.raises(UsageProblem, match="no task"):
        read_jsonl(["", "  "])
