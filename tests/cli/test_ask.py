"""Asking before something is changed, and the record of what was called."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
import typer

from batchctl.cli.ask import called, sure
from batchctl.domain.problem import Problem, UsageProblem


def in_command(act: Callable[[], Any], *arguments: str, program: str = "batchctl") -> Any:
    """Run something inside a command that was called with these arguments."""
    app = typer.Typer()
    answers: list[Any] = []

    @app.callback()
    def before(context: typer.Context) -> None:
        class State:
            pass

        context.obj = State()
        context.obj.arguments = ("batch", "cancel", *arguments)

    @app.command()
    def cancel(batch: list[str], *, user: str | None = None, url: str | None = None, all_: bool = False) -> None:
        del batch, user, url, all_
        answers.append(act())

    app(args=["cancel", *arguments], prog_name=program, standalone_mode=False)
    return answers[0]


def test_nobody_can_be_asked_without_a_terminal() -> None:
    """Then the command ends, and says which one needs no answer; it can be pasted as it stands."""
    with pytest.raises(UsageProblem) as raised:
        in_command(lambda: sure("Cancel 3 batches?", yes=False), "a b", "--user", "x'y")

    said = "Cancel 3 batches? Nobody can be asked here; to do it: batchctl batch cancel 'a b' --user 'x'\"'\"'y' --yes"
    assert str(raised.value) == said


def test_command_to_paste_begins_as_it_was_called() -> None:
    """Who has no `batchctl` to type but `python -m batchctl` is told that, and the record names the command alone."""
    with pytest.raises(UsageProblem, match=r"to do it: python3 -m batchctl batch cancel a --yes$"):
        in_command(lambda: sure("Cancel?", yes=False), "a", program="python3 -m batchctl")

    assert in_command(called, "a", program="python3 -m batchctl").name == "cancel"


def test_yes_asks_nobody() -> None:
    """--yes is the answer."""
    in_command(lambda: sure("Cancel 3 batches?", yes=True), "a")


@pytest.mark.parametrize(("answer", "wanted"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_person_is_asked(monkeypatch: pytest.MonkeyPatch, *, answer: str, wanted: bool) -> None:
    """A person answers; only a yes is one, and the question goes to stderr."""
    asked: list[Any] = []
    for name in ("stdin", "stderr"):
        monkeypatch.setattr(getattr(sys, name), "isatty", lambda: True, raising=False)

    def confirm(question: str, *, err: bool) -> bool:
        asked.append((question, err))
        return answer == "y\n"

    monkeypatch.setattr(typer, "confirm", confirm)

    if wanted:
        in_command(lambda: sure("Cancel 3 batches?", yes=False), "a")
    else:
        with pytest.raises(Problem, match="nothing was changed"):
            in_command(lambda: sure("Cancel 3 batches?", yes=False), "a")
    assert asked == [("Cancel 3 batches?", True)]


def test_record_holds_what_was_said_and_no_key() -> None:
    """Arguments by their names, what was left out left out, and of an address no more than its host."""
    command = in_command(
        lambda: called("asked to"),
        "0033",
        "4455",
        "--user",
        "u-1",
        "--url",
        "https://me:key@host.example/hook?token=key",
    )

    assert (command.name, command.reason) == ("cancel", "asked to")
    assert command.arguments == {"batch": ["0033", "4455"], "user": "u-1", "url": "https://host.example/…"}
