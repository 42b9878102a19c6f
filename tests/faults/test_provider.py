"""Whatever the provider does wrong, each task ends as the contract says, once, and costs what it should (§4)."""

import subprocess
import sys
from random import Random

import pytest

from tests.faults.ground import environment
from tests.faults.provider_faults import FAMILIES
from tests.faults.provider_trials import (
    OUTAGES,
    fault_trial,
    late_trial,
    mixed_trial,
    outage_trial,
    overlap_trial,
    same_id_trial,
)
from tests.scenario import Company

SEED = 1


@pytest.mark.parametrize("family", FAMILIES)
def test_faults(company: Company, family: str) -> None:
    """Tasks that meet them, in submissions or results, end as the table says, and hold up nobody else's."""
    fault_trial(company, *FAMILIES[family])


def test_all_faults_at_once(company: Company) -> None:
    """Faults of all kinds by chance, and outages between: each task ends as its own faults say."""
    mixed_trial(company, Random(SEED), 60)


@pytest.mark.parametrize("name", OUTAGES)
def test_outage(company: Company, name: str) -> None:
    """While no request gets an answer nothing is lost, counted or refunded; only what was sent into it is in doubt."""
    outage_trial(company, name)


@pytest.mark.parametrize("fails_first", [True, False])
def test_second_verdict_changes_nothing(company: Company, *, fails_first: bool) -> None:
    """Success after failure and failure after success, heard by a worker that was overtaken: the first one stands."""
    overlap_trial(company, fails_first=fails_first)


def test_one_id_for_two_tasks(company: Company) -> None:
    """Only one of them has it; an operator is told of the other, which ends once it is released."""
    same_id_trial(company)


def test_late_result(company: Company) -> None:
    """What comes after the task was failed and refunded is kept and never charged."""
    late_trial(company)


MEASURED = """
import resource, sys
from batchctl.cli import main
codes = [main(["run-once"]) for _ in range(2)]
sys.stdout.write(f"{max(codes)} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}")
"""
"""A worker that runs two passes and says its exit code and the most memory that it ever had, in kB."""
WITHOUT_MEASURE = ("huge", "headers", "gzip_bomb", "nested")


def test_answers_without_measure_take_little_memory(company: Company) -> None:
    """Answers of 1 GiB, headers without end, a gzip bomb and 10 000 nested lists cost a worker less than 50 MB."""
    peaks_kb: list[int] = []
    for words in (("never",), tuple(f"{side}={word}" for word in WITHOUT_MEASURE for side in ("submit", "poll"))):
        prompts = [f"refused {number} [sim: {word}]" for word in words for number in range(3)]
        company.enqueue(company.customer(permanent=1000), prompts)
        settings = {"BATCH_POLL_BACKOFF_SECONDS": "0,0,0", "BATCH_WORKER_MAX_START_TASKS_PER_BATCH": "99"}
        settings |= {"BATCHCTL_DATABASE_URL": company.dsn}
        ran = subprocess.run(
            [sys.executable, "-c", MEASURED],
            env=environment(company) | settings,
            capture_output=True,
            text=True,
            check=True,
        )
        code, peak_kb = ran.stdout.splitlines()[-1].split()
        assert code == "0"
        peaks_kb.append(int(peak_kb))
    assert len(company.provider.journal.polls) > 6 * len(WITHOUT_MEASURE)
    assert peaks_kb[1] - peaks_kb[0] < 50_000
