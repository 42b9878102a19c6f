"""`batchctl demo`: a newcomer sees batches live, a worker die, and sums that add up; twice, and looks around after."""

import re
import shlex
from pathlib import Path

import pytest

from batchctl.cli import main
from tests.cli.conftest import Ran, Shell


def test_sums_add_up_twice_and_the_database_is_kept(shell: Shell, demo_home: Path) -> None:
    """Of 12 tasks 7 are charged and 3 batches are settled once although a worker died; a second run starts afresh.

    The commands that it names then work on the database that it keeps, as they stand there.
    """
    home = demo_home.with_name("with a blank")
    assert_adds_up(shell.run("demo", "--directory", str(home)))
    ran = shell.run("demo", "--directory", str(home))
    assert (ran.code, ran.err) == (0, "")
    assert_adds_up(ran)

    (export, *commands) = (
        shlex.split(line) for line in ran.out.partition("Look around")[2].splitlines() if line.startswith("  ")
    )
    assert export[0] == "export"
    variable, _, value = export[1].partition("=")
    assert value == f"embedded:{home}"
    ends = {" ".join(line[1:3]): shell.run(*line[1:], **{variable: value}).code for line in commands}
    assert ends == dict.fromkeys(["batch show", "wallet show", "stats failures", "audit"], 0)


def assert_adds_up(ran: Ran) -> None:
    """Assert that the demonstration told of sums that fit together."""
    assert "killed in the middle of the settlement" in " ".join(ran.out.split())
    rows = re.findall(r"^ [0-9a-f]{8} +(\w+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)", ran.out, re.MULTILINE)
    tasks, done, failed, frozen, charged, back = (sum(int(row[at]) for row in rows) for at in range(1, 7))
    assert [row[0] for row in rows] == ["completed", "partial", "failed"]
    assert (tasks, done, failed) == (12, 7, 5)
    assert (frozen, charged, back) == (120, 70, 50)
    assert f"{frozen} credits = {charged} charged + {back} given back" in ran.out
    assert f"300 granted = {charged} charged + {300 - charged} in the wallet" in ran.out
    assert f"sums up to {300 - charged}" in ran.out
    assert "3 of 3 exactly once, after 1 kill" in ran.out
    assert "4 requests, 3 events, every signature verified" in ran.out


def test_program_is_named_as_it_was_called(capsys: pytest.CaptureFixture[str]) -> None:
    """Usage names the program as it was called, so that it can be typed again."""
    for program in ("batchctl", "python3 -m batchctl"):
        assert main(["batch", "show"], program=program) == 2
        assert f"Usage: {program} batch show" in capsys.readouterr().err
