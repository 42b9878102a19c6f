"""`batchctl run-once`: its report in every form, its exit codes, its silence."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event

import pytest

from tests.cli.conftest import Shell
from tests.conftest import scratch_directory
from tests.scenario import Company

CONTRACT_KEYS = {
    "dispatch": {"claimed", "frozen", "freeze_failed", "tasks_started", "start_failed", "start_deferred"},
    "poll": {"polled", "succeeded", "failed", "still_processing", "transient_errors", "max_poll_reached"},
    "settle": {"settled", "credits_spent", "credits_refunded"},
    "webhook": {"sent", "retrying", "failed"},
}


def test_json_has_the_contract_s_keys(company: Company, office: Shell) -> None:
    """`--json` prints one document with every key of the contract, and nothing else on stdout or stderr."""
    company.enqueue(company.customer(permanent=20), 2)

    ran = office.run("run-once", "--json")

    assert (ran.code, ran.err) == (0, "")
    assert all(keys <= ran.document[stage].keys() for stage, keys in CONTRACT_KEYS.items())
    assert isinstance(ran.document["duration_ms"], int)
    assert ran.document["dispatch"]["claimed"] == 1
    assert ran.document["dispatch"]["tasks_started"] == 2


@pytest.mark.parametrize(
    ("command", "stage"),
    [(["dispatch"], "dispatch"), (["poll"], "poll"), (["settle"], "settle"), (["webhook", "deliver"], "webhook")],
)
def test_a_stage_prints_its_own_object(office: Shell, command: list[str], stage: str) -> None:
    """`dispatch|poll|settle --json` print their stage's own object, and so does `webhook deliver`."""
    ran = office.run(*command, "--json")

    assert ran.code == 0
    assert CONTRACT_KEYS[stage] <= ran.document.keys()
    assert "duration_ms" not in ran.document


@pytest.mark.parametrize("command", [["run-once"], ["dispatch"]])
def test_unreachable_provider_is_69_for_a_stage_too(company: Company, office: Shell, command: list[str]) -> None:
    """A stage alone exits 69 as the whole pass does when no request got a connection."""
    company.enqueue(company.customer(permanent=10), 1)
    company.provider.stop()

    assert office.run(*command).code == 69


def test_deadline_is_heeded(company: Company, office: Shell) -> None:
    """When the pass has no time nothing is sent; what was claimed waits for the next one."""
    company.enqueue(company.customer(permanent=10), 1)

    ran = office.run("run-once", "--deadline", "0", "--json")

    assert ran.code == 0
    assert (ran.document["dispatch"]["frozen"], ran.document["dispatch"]["tasks_started"]) == (1, 0)
    assert company.provider.journal.submissions == ()


def test_for_is_the_deadline_of_the_run(company: Company, office: Shell) -> None:
    """Work that never ends does not keep a run going past its `--for`."""
    company.enqueue(company.customer(permanent=10), ["a [sim: never]"])
    started_s = time.monotonic()

    assert office.run("run-once", "--for", "1.5", BATCH_POLL_BACKOFF_SECONDS="0,0,0").code == 0

    assert time.monotonic() - started_s < 5


def test_row_on_hold_is_told_once(company: Company, office: Shell) -> None:
    """A row that is put on hold is one line and exit 1 in the pass that sets it, and 0 afterwards."""
    batch_id = company.enqueue(company.customer(permanent=10), ["a [sim: fail=error]"])
    company.run_pass()
    company.sql("update video_tasks set next_poll_at = null")
    company.sql("delete from credit_wallet")

    ran = office.run("run-once")

    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert f"batch {batch_id} is on hold: WALLET_NOT_FOUND" in ran.err
    assert (office.run("run-once").code, office.run("run-once", GRSAI_API_KEY="").code) == (0, 78)
    company.conn.execute("insert into credit_wallet (user_id, permanent_credits) select user_id, 0 from batch_jobs")
    company.sql("update batch_jobs set hold_reason = null")
    assert office.run("run-once").code == 0


def test_stage_that_breaks_keeps_no_other_from_its_work(
    company: Company, office: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in one stage is one line and exit 1; the others do their work, and only --debug shows a traceback."""

    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("first line\nsecond line")

    company.enqueue(company.customer(), 1)
    monkeypatch.setattr("batchctl.store.batches.find_settleable", break_down)

    ran, shown = office.run("run-once", "--json"), office.run("--debug", "run-once")

    assert (ran.code, ran.err) == (1, "error: settle broke: RuntimeError: first line\n")
    assert ran.document["webhook"]["sent"] == 1
    assert "Traceback" in shown.err


def test_database_url_has_two_names(company: Company, office: Shell) -> None:
    """DATABASE_URL will do; where both are set, BATCHCTL_DATABASE_URL is the one."""
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"

    assert office.run("run-once", BATCHCTL_DATABASE_URL="", DATABASE_URL=company.dsn).code == 0
    assert office.run("run-once", DATABASE_URL=nowhere).code == 0
    assert office.run("run-once", BATCHCTL_DATABASE_URL=nowhere, DATABASE_URL=company.dsn).code == 69


def test_embedded_database_keeps_what_it_has(shell: Shell) -> None:
    """`embedded:DIR` runs a PostgreSQL of its own for each command, on the same data."""
    with scratch_directory() as scratch:
        url = f"embedded:{scratch / 'data'}"

        assert shell.run("migrate", BATCHCTL_DATABASE_URL=url).code == 0
        assert shell.run("migrate", "--check", BATCHCTL_DATABASE_URL=url).out == "up to date\n"


def test_idle_pass_without_a_terminal_prints_nothing(office: Shell) -> None:
    """Cron sends no mail for a pass that found nothing to do."""
    ran = office.run("run-once")

    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_pass_with_work_says_what_it_did(company: Company, office: Shell) -> None:
    """Without a terminal a pass with work prints a plain line a stage, and is kept in `runs`."""
    company.enqueue(company.customer(permanent=20), 2)

    ran = office.run("run-once")

    assert "dispatch: 1 batch claimed (20 credits frozen), 2 tasks started" in ran.out
    (row,) = company.sql("select report, exit_code from runs")
    assert row.report["dispatch"]["frozen"] == 1
    assert row.exit_code == 0


def test_without_a_key_only_provider_stages_stop(company: Company, office: Shell) -> None:
    """Without GRSAI_API_KEY nothing is claimed or frozen, settle and webhook still run, and the exit code is 78."""
    batch_id = company.enqueue(company.customer(permanent=20), 2)
    done = company.enqueue(company.customer(permanent=10), 1)
    company.sql(
        "update video_tasks set status = 'failed', failure_type = 'unknown', error_message = 'x', completed_at = now()"
        " where batch_job_id = %s",
        done,
    )
    company.sql("update batch_jobs set status = 'processing', cost_per_video = 0 where id = %s", done)

    ran = office.run("run-once", "--json", GRSAI_API_KEY="")

    assert ran.code == 78
    assert ran.err.splitlines() == [
        "error: GRSAI_API_KEY is not set: nothing is claimed, submitted or polled; settle and webhook still run"
    ]
    assert company.batch(batch_id).status == "queued"
    assert (ran.document["settle"]["settled"], ran.document["webhook"]["sent"]) == (1, 1)


def test_unreachable_provider_exits_69_and_loses_nothing(company: Company, office: Shell) -> None:
    """When no request gets a connection the pass exits 69; the task stays pending."""
    batch_id = company.enqueue(company.customer(permanent=10), 1)
    company.provider.stop()

    ran = office.run("run-once")

    assert ran.code == 69
    assert "the provider cannot be reached" in ran.err
    assert company.tasks(batch_id)[0].status == "pending"


def test_refused_key_exits_1(company: Company, office: Shell) -> None:
    """A key that the provider refuses is our own failure; no task is failed for it."""
    batch_id = company.enqueue(company.customer(permanent=20), 2)

    ran = office.run("run-once", GRSAI_API_KEY="sk-wrong")

    assert ran.code == 1
    assert "the provider refuses our account" in ran.err
    assert "sk-wrong" not in ran.out + ran.err
    assert {task.status for task in company.tasks(batch_id)} == {"pending"}


def test_for_runs_passes_until_all_is_done(company: Company, office: Shell) -> None:
    """`--for` sums its passes and sees waits far shorter than cron's minute; a task is asked at most once a second."""
    batch_id = company.enqueue(company.customer(permanent=10), ["a [sim: polls=2]"])

    ran = office.run("run-once", "--for", "3.5", "--json", BATCH_POLL_BACKOFF_SECONDS="0,0,0")

    assert ran.code == 0
    assert ran.document["passes"] >= 3
    assert ran.document["poll"]["polled"] == 2
    assert company.batch(batch_id).status == "completed"
    first, second = (poll.at_s for poll in company.provider.journal.polls)
    assert second - first >= 1


def test_for_and_deadline_exclude_each_other(office: Shell) -> None:
    """`--for` is the deadline of the whole run, so `--deadline` beside it is wrong usage."""
    ran = office.run("run-once", "--for", "5", "--deadline", "5")

    assert ran.code == 2
    assert "exclude each other" in ran.err


@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signal_finishes_what_is_in_flight(company: Company, office: Shell, signal_number: int, code: int) -> None:
    """After SIGTERM or SIGINT nothing new is sent; what is in flight is finished and recorded within ten seconds."""
    company.enqueue(company.customer(permanent=500), [f"clip {n} [sim: submit_latency=0.6]" for n in range(50)])
    worker = subprocess.Popen(
        [sys.executable, "-m", "batchctl", "run-once"],
        env={**os.environ, **office.environment, "BATCH_PROVIDER_CONCURRENCY": "4"},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not company.provider.journal.submissions:
        assert worker.poll() is None
        Event().wait(0.01)
    worker.send_signal(signal_number)

    _, err = worker.communicate(timeout=10)

    assert worker.returncode == code
    assert "interrupted" in err
    (counts,) = company.sql(
        "select count(*) filter (where grsai_task_id is not null) as sent,"
        " count(*) filter (where status = 'processing' and grsai_task_id is null) as in_doubt from video_tasks"
    )
    assert counts.sent == len(company.provider.journal.accepted) <= 8
    assert counts.in_doubt == 0


def test_metrics_file_holds_the_figures_of_the_pass(company: Company, office: Shell, tmp_path: Path) -> None:
    """It may be read by all; the last success stays in it while passes fail, for it alone remembers idle ones."""
    metrics = tmp_path / "batchctl.prom"
    company.enqueue(company.customer(permanent=20), 2)

    assert office.run("run-once", "--metrics-file", str(metrics)).code == 0
    first = metrics.read_text()
    assert office.run("run-once", "--metrics-file", str(metrics), GRSAI_API_KEY="").code == 78
    second = metrics.read_text()

    assert metrics.stat().st_mode & 0o777 == 0o644
    assert 'batchctl_open_tasks{state="in_flight"} 2\n' in first
    assert "batchctl_last_exit_code 0\n" in first
    assert "batchctl_last_exit_code 78\n" in second
    (succeeded,) = (line for line in first.splitlines() if line.startswith("batchctl_last_success"))
    assert succeeded in second.splitlines()
    assert [path.name for path in tmp_path.iterdir()] == ["batchctl.prom"]


def test_metrics_file_tells_of_a_database_that_is_away(office: Shell, tmp_path: Path) -> None:
    """A pass that cannot begin is no pass that did not happen: who watches the file sees it fail."""
    metrics = tmp_path / "batchctl.prom"

    ran = office.run("run-once", "--metrics-file", str(metrics), BATCHCTL_DATABASE_URL="postgresql://u@127.0.0.1:1/db")

    assert ran.code == 69
    assert "batchctl_database_up 0\n" in metrics.read_text()
    assert "batchctl_last_exit_code 69\n" in metrics.read_text()


@pytest.mark.parametrize("place", ["/dev/null", "/dev/null/x.prom", "/nowhere/x.prom", "/"])
def test_metrics_file_that_cannot_be_written_is_one_line(company: Company, office: Shell, place: str) -> None:
    """The pass does its work, its report is whole, and the exit code says that something is wrong on our side."""
    company.enqueue(company.customer(permanent=10), 1)

    ran = office.run("run-once", "--json", "--metrics-file", place)

    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "cannot be written" in ran.err
    assert ran.document["dispatch"]["tasks_started"] == 1


def test_json_log_is_one_object_a_line(company: Company, office: Shell) -> None:
    """With --log-format json stderr holds objects only, stdout nothing, and a pass has the id of its row in `runs`."""
    company.enqueue(company.customer(permanent=20), 2)

    ran = office.run("run-once", "--log-format", "json", GRSAI_API_KEY="sk-wrong")

    lines = [json.loads(line) for line in ran.err.splitlines()]
    assert (ran.code, ran.out) == (1, "")
    assert [(line["level"], line.get("stage")) for line in lines] == [("info", "dispatch"), ("error", None)]
    assert "the provider refuses our account" in lines[1]["message"]
    assert {line["pass_id"] for line in lines} == {str(company.sql("select pass_id from runs")[0].pass_id)}
    assert lines[0]["time"].endswith("Z")


def test_json_log_tells_what_keeps_a_pass_from_its_work(office: Shell) -> None:
    """A setting that is wrong is an object too, with the exit code."""
    ran = office.run("run-once", "--log-format", "json", BATCHCTL_DATABASE_URL="")

    line = json.loads(ran.err)
    assert (ran.code, line["level"], line["exit_code"]) == (78, "error", 78)


def test_idle_pass_with_a_json_log_prints_nothing(office: Shell) -> None:
    """Nothing happened, so nothing is told."""
    ran = office.run("run-once", "--log-format", "json")

    assert (ran.code, ran.out, ran.err) == (0, "", "")
