"""`batchctl demo`: a newcomer sees batches live, a worker die, and sums that add up; twice, and looks around after."""

import re
from pathlib import Path

from tests.cli.conftest import Shell


def test_sums_add_up_twice(shell: Shell, demo_home: Path) -> None:
    """Of 12 tasks 7 are charged and 3 batches are settled once although a worker died; a second run starts afresh."""
    for _ in range(2):
        ran = shell.run("demo", "--directory", str(demo_home))

        assert (ran.code, ran.err) == (0, "")
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


def test_every_command_to_try_next_works(shell: Shell, demo_home: Path) -> None:
    """The commands that the demonstration names work on the database that it keeps, as they stand there."""
    ran = shell.run("demo", "--directory", str(demo_home))
    lines = [line.split() for line in ran.out.partition("Look around")[2].splitlines() if line.startswith("  ")]
    variable, _, value = lines[0][1].partition("=")

    ends = {" ".join(line[1:3]): shell.run(*line[1:], **{variable: value}).code for line in lines[1:]}

    assert ends == dict.fromkeys(["batch show", "wallet show", "stats failures", "audit"], 0)
