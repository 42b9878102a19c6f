"""The examples in deploy/ are what they say: read by the programs that they are for, with commands that ours takes."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import typer
import yaml  # type: ignore[import-untyped]  # it comes with sqlfluff, and its types do not

from batchctl.cli import app
from batchctl.cli.guide import leaves
from batchctl.render.metrics import exposition
from batchctl.settings import Settings, is_secret, names_of
from tests.render.test_metrics import NOTHING, PASS

DEPLOY = Path(__file__).parents[1] / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
MANIFESTS = sorted((DEPLOY / "kubernetes").iterdir())
COMMANDS = dict(leaves(typer.main.get_command(app)))
INSTALLED = "/usr/local/bin/batchctl"


def document(path: Path) -> Any:
    """Read a YAML file, which holds one document."""
    return yaml.safe_load(path.read_text())


def pods(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each container that a manifest describes."""
    if isinstance(value, dict):
        for name, below in cast("dict[str, Any]", value).items():
            yield from below if name == "containers" else pods(below)
    elif isinstance(value, list):
        for below in cast("Sequence[Any]", value):
            yield from pods(below)


def calls() -> Iterator[tuple[str, list[str]]]:
    """Yield every call of batchctl in the examples, with the file that it stands in."""
    for path in (*UNITS, DEPLOY / "cron" / "batchctl"):
        for line in path.read_text().splitlines():
            found = re.search(rf"{INSTALLED} ([^>]*)", line)
            if found and not line.startswith("#"):
                yield path.name, shlex.split(found[1])
    for path in MANIFESTS:
        for container in pods(document(path)):
            program, *arguments = container["command"]
            assert program == "batchctl"
            yield path.name, arguments


CALLS = list(calls())


def test_every_example_calls_the_program() -> None:
    """No file has lost its call, or hides it from this test."""
    assert {name for name, _ in CALLS} == {
        *(path.name for path in UNITS if path.suffix == ".service"),
        *(path.name for path in MANIFESTS),
        "batchctl",
    }


@pytest.mark.parametrize(("name", "arguments"), CALLS, ids=[f"{name}: {words[0]}" for name, words in CALLS])
def test_call_is_understood(name: str, arguments: list[str]) -> None:
    """Each call is one that the program's own parser takes."""
    command, *rest = arguments
    COMMANDS[command].make_context(name, rest)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """Each unit is read without a complaint; the program is one that is there, for ours may not be installed."""
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace(INSTALLED, sys.executable))

    command = ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_settings_in_the_examples_are_known() -> None:
    """Each variable that an example sets is one that the program reads."""
    known: set[str] = set()
    for field in Settings.model_fields.values():
        known |= set(names_of(field)) | {f"{name}_FILE" for name in names_of(field) if is_secret(field)}
    text = "\n".join(path.read_text() for path in (*UNITS, *MANIFESTS))

    used = set(re.findall(r"\b((?:BATCHCTL|GRSAI|ENTERPRISE|BATCH)_[A-Z_]+)\b", text))

    assert "GRSAI_API_KEY_FILE" in used
    assert used <= known


def test_manifests_hold_together() -> None:
    """The deployment selects its own pods, each container mounts what there is, and a minute's job ends in time."""
    worker, job = document(DEPLOY / "kubernetes/worker.yaml"), document(DEPLOY / "kubernetes/cronjob.yaml")

    assert (worker["apiVersion"], worker["kind"]) == ("apps/v1", "Deployment")
    assert worker["spec"]["selector"]["matchLabels"] == worker["spec"]["template"]["metadata"]["labels"]
    assert (job["apiVersion"], job["kind"], job["spec"]["schedule"]) == ("batch/v1", "CronJob", "* * * * *")
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    for pod in (worker["spec"]["template"]["spec"], job["spec"]["jobTemplate"]["spec"]["template"]["spec"]):
        volumes = {volume["name"] for volume in pod["volumes"]}
        (container,) = pod["containers"]
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        assert pod["terminationGracePeriodSeconds"] > 10


@pytest.mark.parametrize(("age_s", "code"), [(0, 0), (240, 0), (400, 1)])
def test_liveness_goes_by_the_age_of_the_file(tmp_path: Path, age_s: int, code: int) -> None:
    """A health file that is new is alive, one that is older than five minutes is not, nor one that is missing."""
    (container,) = pods(document(DEPLOY / "kubernetes/worker.yaml"))
    shell, option, script = container["livenessProbe"]["exec"]["command"]
    health = tmp_path / "health.json"
    script = script.replace("/run/batchctl/health.json", str(health))
    assert "--health-file" in container["command"]

    missing = subprocess.run([shell, option, script], stderr=subprocess.DEVNULL, check=False)
    health.write_text("{}")
    then_s = health.stat().st_mtime - age_s
    os.utime(health, (then_s, then_s))

    assert (missing.returncode, subprocess.run([shell, option, script], check=False).returncode) == (1, code)


def test_alerts_ask_for_figures_that_there_are() -> None:
    """Each name in a rule is one that the file of metrics holds, and each command one that there is."""
    rules = document(DEPLOY / "node_exporter/alerts.yaml")["groups"][0]["rules"]
    written = set(re.findall(r"^# TYPE (\w+)", exposition(PASS, NOTHING), re.MULTILINE))

    assert {name for rule in rules for name in re.findall(r"batchctl_\w+", rule["expr"])} <= written
    told = " ".join(rule["annotations"]["summary"] for rule in rules)
    assert {call.partition(" {")[0] for call in re.findall(r"`batchctl ([^`]+)`", told)} <= COMMANDS.keys()


def test_crontab_has_five_fields_and_an_account() -> None:
    """A line of /etc/cron.d names its account, and holds no percent sign, which cron takes for a line's end."""
    text = (DEPLOY / "cron/batchctl").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#") and "=" not in line.split()[0]]

    assert len(lines) == 2
    assert all(re.fullmatch(r"(?:[\d*/,-]+ ){5}batchctl .+", line) for line in lines)
    assert not any("%" in line for line in lines)
