"""`batchctl completion` in real shells: commands, options, values and the ids of open batches, and never an error."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from batchctl.service.completion import open_batches
from tests.cli.conftest import Shell
from tests.scenario import Company

PROGRAM = Path(sys.executable).parent / "batchctl"
PRESS = """\
source <("$PROGRAM" completion bash)
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
"$(complete -p batchctl | sed 's/.*-F \\([^ ]*\\) .*/\\1/')" "$PROGRAM"
printf '%s\\n' "${COMPREPLY[@]}"
"""
"""Has bash call what it would call when the key is pressed after the last of these words."""
TRIES = 5
NOWHERE = "postgresql://u:hunter2@10.255.255.1:5432/db"
"""An address from which no answer comes, not even a refusal."""


def pressed(environment: dict[str, str], *words: str) -> tuple[list[str], str]:
    """Press the key in a real bash after these words; return what is offered, and what was said on stderr."""
    ran = subprocess.run(
        ["/bin/bash", "--norc", "-c", PRESS, "bash", *words],
        env={**os.environ, "PROGRAM": str(PROGRAM), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.split(), ran.stderr


def answered(ask: Callable[[], str]) -> str:
    """Ask until there is an answer: a machine that is busy may have none within the second that the key waits."""
    return next(filter(None, (ask() for _ in range(TRIES))), "")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("batchctl", "run"), ["run-once"]),
        (("batchctl", "batch", "sh"), ["show"]),
        (("batchctl", "run-once", "--me"), ["--metrics-file"]),
        (("batchctl", "batch", "list", "--status", "p"), ["partial", "processing"]),
        (("batchctl", "pause", "d"), ["dispatch"]),
        (("batchctl", "completion", ""), ["bash", "fish", "zsh"]),
    ],
    ids=" ".join,
)
def test_bash_completes(words: tuple[str, ...], offered: list[str]) -> None:
    """Commands, options, states and stages are completed in a real bash, without any setting."""
    got, err = pressed({"BATCHCTL_DATABASE_URL": ""}, *words)

    assert (sorted(got), err) == (offered, "")


def test_bash_completes_open_batches(company: Company, office: Shell) -> None:
    """Ids of open batches are offered, those that begin as what is typed; those of ended ones are not."""
    ended = company.enqueue(company.customer(permanent=10), 1)
    company.run_until_quiet()
    open_ids = [company.enqueue(company.customer(permanent=10), 1) for _ in range(3)]

    def press(*words: str) -> str:
        offered, err = pressed(office.environment, "batchctl", "batch", *words)
        assert err == ""
        return " ".join(sorted(offered))

    assert answered(partial(press, "show", "")) == " ".join(sorted(map(str, open_ids)))
    assert str(open_ids[0]) in answered(partial(press, "cancel", str(open_ids[0])[:9]))
    assert press("show", str(ended)) == ""
    company.run_until_quiet()


@pytest.mark.parametrize("url", ["", "nonsense", "postgresql://u:hunter2@127.0.0.1:1/db", "embedded:/dev/null/no"])
def test_nothing_is_said_when_ids_cannot_be_had(url: str) -> None:
    """Without a database, or with one that is away, nothing is offered and nothing is said."""
    assert pressed({"BATCHCTL_DATABASE_URL": url}, "batchctl", "batch", "show", "") == ([], "")


def test_nobody_waits_for_a_database_that_is_silent() -> None:
    """An address that swallows packets holds the key up for hardly more than a second."""
    began_s = time.monotonic()

    assert pressed({"BATCHCTL_DATABASE_URL": NOWHERE}, "batchctl", "batch", "show", "")[0] == []

    assert time.monotonic() - began_s < 8  # two starts of the program, and others at work on the same machine


@pytest.mark.parametrize("begun", ["zz", "%", "'; drop table runs; --", "0033894e-", "00338-94e", "0" * 37, "x\x00"])
def test_what_is_no_beginning_of_an_id_finds_nothing(company: Company, begun: str) -> None:
    """Whatever is typed is no more than the beginning of an id, or nothing."""
    company.sql(
        "insert into batch_jobs (id, user_id, total_count, cost_per_video)"
        " values ('0033894f-0000-4000-8000-000000000001', gen_random_uuid(), 1, 1)"
    )
    assert open_batches(company.world.db, begun, limit=5) == []
    (found,) = open_batches(company.world.db, "0033894F", limit=5)
    assert found.id == UUID("0033894f-0000-4000-8000-000000000001")
    company.sql("delete from batch_jobs")


@pytest.mark.parametrize(
    ("shell_name", "word"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --")]
)
def test_each_shell_has_its_script(shell: Shell, shell_name: str, word: str) -> None:
    """The script goes to stdout and asks the program by its name; a shell that is there can read it."""
    ran = shell.run("completion", shell_name)

    assert (ran.code, ran.err) == (0, "")
    assert word in ran.out
    assert "batchctl" in ran.out
    if program := shutil.which(shell_name):
        subprocess.run([program, "-n"], input=ran.out, text=True, check=True)


def asked(environment: dict[str, str]) -> str:
    """Ask the program as a script does; it says nothing on stderr."""
    ran = subprocess.run([str(PROGRAM)], env=environment, capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    return ran.stdout


def test_zsh_and_fish_are_answered(company: Company, office: Shell) -> None:
    """Their scripts ask in other variables, and get the ids with how the batches stand."""
    batch_id = company.enqueue(company.customer(permanent=20), 2)
    environment = os.environ | office.environment | {"_TYPER_COMPLETE_ARGS": "batchctl batch show "}
    environment |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    answers = {
        name: answered(partial(asked, environment | {"_BATCHCTL_COMPLETE": f"complete_{name}"}))
        for name in ("zsh", "fish")
    }

    assert answers["zsh"] == f'_arguments \'*: :(("{batch_id}":"queued 0/2"))\'\n'
    assert answers["fish"] == f"{batch_id}\tqueued 0/2\n"
    company.run_until_quiet()
