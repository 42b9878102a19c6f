"""Statistics of failures: every ended task is counted once and in its place, and nothing else is."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.domain.failure import FailureType
from batchctl.domain.problem import Problem, ShortageProblem, UsageProblem
from batchctl.domain.stats import SHOWN, Dimension, FailureReport, Tally
from batchctl.domain.window import DAY, HOUR
from batchctl.service.stats import failures, overview
from batchctl.statement import Conn
from tests.scenario import Company
from tests.test_plans import add_history, explained, forget

ONE_OF_EACH = {
    "a [sim: fail=output_moderation error='not this']": (FailureType.MODEL_ERROR, "output_moderation", "not this"),
    "b [sim: fail=input_moderation error='nor that']": (FailureType.PARAM_ERROR, "input_moderation", "nor that"),
    "c [sim: never]": (FailureType.TIMEOUT, None, "MAX_POLL_COUNT_REACHED:20"),
    "d [sim: submit=reset]": (FailureType.NETWORK, None, "SUBMIT_OUTCOME_UNKNOWN"),
    "e [sim: fail=error error='an odd thing']": (FailureType.UNKNOWN, "error", "an odd thing"),
}
"""Prompts that make the provider fail a task, and what is then counted: type, provider's reason, error."""


def ended(company: Company, prompts: int | Sequence[str], **batch: Any) -> UUID:
    """Have a batch of a customer of its own run to its end, a moment ago."""
    company.limit(max_start_per_batch=100, max_poll=1000)
    batch_id = company.enqueue(company.customer(permanent=1000), prompts, **batch)
    company.run_until_quiet()
    company.clock.advance(1)
    return batch_id


def edit_task(company: Company, batch_id: UUID, index: int, columns: str, *params: object) -> None:
    """Change a task as other programs did; `columns` are assignments."""
    company.sql(
        f"update video_tasks set {columns} where batch_job_id = %s and batch_index = %s",  # noqa: S608 - a test's own
        *params,
        batch_id,
        index,
    )


def counts(tallies: Sequence[Tally[Any]]) -> dict[Any, int]:
    """Return how many failed, by key, where any did."""
    return {tally.key: tally.failed for tally in tallies if tally.failed}


def test_each_failure_has_its_type_its_reason_and_its_text(company: Company) -> None:
    """What the provider did to a task is found under its type, its reason, its text and its model, once each."""
    batch_id = ended(company, [*ONE_OF_EACH, "fine", "fine", "fine"], models=["sora-2"] * 5 + ["veo-pro"] * 3)

    report = failures(company.world)

    assert (report.finished, report.succeeded, report.failed, report.rate) == (8, 3, 5, 0.625)
    assert [(one.key, one.failed, one.finished, one.share, one.rate) for one in report.by_type] == [
        (failure_type, 1, 8, 0.2, 0.125) for failure_type in FailureType
    ]
    assert [(one.key, one.failed, one.finished, one.rate) for one in report.by_model] == [
        ("sora-2", 5, 5, 1.0),
        ("veo-pro", 0, 3, 0.0),
    ]
    assert counts(report.by_reason) == {None: 2, "output_moderation": 1, "input_moderation": 1, "error": 1}
    assert [(one.key, one.finished) for one in report.by_customer] == [(company.batch(batch_id).user_id, 8)]
    assert {one.error: one.count for one in report.samples} == {error: 1 for *_, error in ONE_OF_EACH.values()}
    tasks = {task.id: task for task in company.tasks(batch_id)}
    assert all(tasks[one.task_id].error_message == one.error for one in report.samples if one.task_id)
    assert all(tasks[one.task_id].completed_at == one.last_seen_at for one in report.samples if one.task_id)
    assert (report.not_started, report.late_results, set(report.left_out.values())) == (0, 0, {0})


def test_refunds_are_told_as_the_ledger_has_them(company: Company) -> None:
    """Failed tasks gave back their price once their batch is settled, and nothing before that."""
    ended(company, ["fine", "[sim: fail=error error='model x']", "[sim: fail=error error='model x']"], cost=7)
    ended(company, ["fine", "fine"], cost=1000 // 2)
    company.enqueue(company.customer(permanent=100), ["[sim: submit=400]", "[sim: never]"], cost=50)
    company.run_pass()
    company.clock.advance(1)

    report = failures(company.world)

    ((in_ledger,),) = company.sql("select sum(credits_delta) from credit_ledger where ref_type = 'batch_refund'")
    assert (report.failed, report.credits_refunded, in_ledger) == (3, 14, 14)
    assert sum(one.credits_refunded for one in report.by_type) == 14
    assert {one.key: one.credits_refunded for one in report.by_type if one.failed} == {
        FailureType.MODEL_ERROR: 14,
        FailureType.PARAM_ERROR: 0,
    }
    assert [one.credits_refunded for one in report.by_customer] == [14, 0]
    company.run_until_quiet()
    company.clock.advance(1)
    assert failures(company.world).credits_refunded == 114


def test_tasks_of_refused_batches_are_in_no_rate(company: Company) -> None:
    """What was never started stands apart by the batch's error (contract §2), whatever a provider calls its errors."""
    poor = company.customer(permanent=5)
    company.enqueue(poor, 3)
    company.enqueue(uuid4(), 2)
    company.enqueue(poor, 2, total=1)
    company.enqueue(poor, 1, cost=-1)
    company.enqueue(poor, 1, total=0)
    ended(company, ["fine", "[sim: fail=error error=INSUFFICIENT_CREDITS]", "[sim: submit=code msg=INVALID_BATCH]"])

    report = failures(company.world)

    assert (report.finished, report.failed, report.not_started) == (3, 2, 9)
    assert {one.reason: one.count for one in report.not_started_by_reason} == {
        "INSUFFICIENT_CREDITS": 3,
        "WALLET_NOT_FOUND": 2,
        "TASK_COUNT_MISMATCH": 2,
        "INVALID_BATCH": 2,
    }
    assert {one.error: one.count for one in report.samples} == {"INSUFFICIENT_CREDITS": 1, "INVALID_BATCH": 1}
    assert poor not in counts(report.by_customer)
    assert sum(bucket.finished for bucket in report.trend) == 3


def test_task_that_was_sent_counts_whatever_became_of_its_batch(company: Company) -> None:
    """The original worker could fail a batch that was not paid for when tasks of it had been sent: those failed."""
    refused = company.enqueue(uuid4(), 2)
    company.run_until_quiet()
    company.clock.advance(1)
    edit_task(company, refused, 0, "grsai_task_id = 'r-1'")

    report = failures(company.world)

    assert (report.failed, report.not_started) == (1, 1)
    edit_task(company, refused, 0, "grsai_task_id = null")


def test_task_that_was_never_sent_is_in_no_rate(company: Company) -> None:
    """What was cancelled before the provider took it did not fail, put off before or not; it has its own reason."""
    batch_id = ended(company, ["[sim: submit=400]"] * 3)
    edit_task(company, batch_id, 0, "attempts = 0, error_message = 'CANCELLED'")
    edit_task(company, batch_id, 1, "error_message = 'CANCELLED'")
    assert (failures(company.world).failed, failures(company.world).not_started) == (2, 1)  # a provider's own word
    company.sql("update batch_jobs set cancelled_at = %s", company.clock.now)

    report = failures(company.world)

    assert (report.failed, report.not_started) == (1, 2)
    assert (overview(company.world).failed, overview(company.world).succeeded) == (1, 0)
    assert [(one.reason, one.count) for one in report.not_started_by_reason] == [("CANCELLED", 2)]
    company.sql("update batch_jobs set cancelled_at = null")
    edit_task(company, batch_id, 0, "attempts = 1")


def test_window_is_compared_with_the_time_before(company: Company) -> None:
    """The equally long time before is counted beside the window, by all that it is told by, and in nothing else."""
    batch_id = ended(company, ["fine"] * 4 + ["[sim: submit=400]"] * 4, models=["a", "b"] * 4)
    now = company.clock.now
    for index, hours in ((0, 30), (1, 30), (2, 47), (3, 49), (4, 30), (5, 24.1), (6, 60)):
        edit_task(company, batch_id, index, "completed_at = %s", now - hours * HOUR)

    report = failures(company.world)

    assert report.before is not None
    assert (
        (report.before.since, report.before.until)
        == (now - 48 * HOUR, now - 24 * HOUR)
        == (
            report.since - 24 * HOUR,
            report.since,
        )
    )
    assert (report.before.finished, report.before.failed, report.before.rate) == (5, 2, 0.4)
    assert (report.finished, report.failed, report.rate) == (1, 1, 1.0)
    by_type = {one.key: one for one in report.by_type}
    assert [
        (one.failed, one.failed_before, one.finished_before, one.rate_before)
        for one in (by_type[FailureType.PARAM_ERROR], by_type[FailureType.TIMEOUT])
    ] == [(1, 2, 5, 0.4), (0, 0, 5, 0.0)]
    assert [(one.key, one.failed, one.failed_before, one.finished_before) for one in report.by_model] == [
        ("b", 1, 1, 2)
    ]
    assert [(one.failed_before, one.finished_before) for one in report.by_customer] == [(2, 5)]
    assert (sum(bucket.finished for bucket in report.trend), len(report.samples), report.samples[0].count) == (1, 1, 1)
    assert sum(report.left_out.values()) == 0
    assert report.credits_refunded == 10
    shorter = failures(company.world, since=(now - 40 * HOUR).isoformat(), until=(now - 20 * HOUR).isoformat()).before
    assert shorter is not None
    assert (shorter.until - shorter.since, shorter.finished) == (20 * HOUR, 3)


def test_what_has_no_time_before_is_compared_with_nothing(company: Company) -> None:
    """Batches are told from their beginning, and before the first of all days there is none."""
    batch_id = ended(company, ["fine", "[sim: submit=400]"])
    report = failures(company.world, batches=[str(batch_id)])
    assert (report.before, report.failed) == (None, 1)
    assert {one.rate_before for one in report.by_type} == {None}
    first_day = failures(company.world, since="0001-01-02T00:00+00:00", until="0001-01-05T00:00+00:00")
    assert (first_day.before, first_day.finished) == (None, 0)


def test_cuts(company: Company) -> None:
    """A customer and a model leave out all others, late results among them."""
    company.limit(max_poll_count=1)
    one = ended(company, ["[sim: polls=2]", "fine"], models=["veo-pro", "sora-2"])
    other = ended(company, ["[sim: polls=2]"], models=["sora-2"])
    company.clock.advance(600)
    company.run_pass()
    company.clock.advance(1)
    customers = [company.batch(batch_id).user_id for batch_id in (one, other)]

    def seen(**cut: Any) -> tuple[int, int, int]:
        report = failures(company.world, **cut)
        assert (report.user_id, report.model) == (cut.get("user_id"), cut.get("model"))
        return report.finished, report.failed, report.late_results

    assert seen() == (3, 2, 2)
    assert [seen(user_id=customer) for customer in customers] == [(2, 1, 1), (1, 1, 1)]
    assert [seen(model=model) for model in ("sora-2", "veo-pro", "sora")] == [(2, 1, 1), (1, 1, 1), (0, 0, 0)]
    assert seen(user_id=customers[0], model="sora-2") == (1, 0, 0)
    assert seen(batches=[str(one)], user_id=customers[1]) == (0, 0, 0)


def test_late_results_stand_apart(company: Company) -> None:
    """A result that comes after the limit is counted when it comes, and its task stays failed and refunded."""
    company.limit(max_poll_count=1)
    batch_id = ended(company, ["[sim: polls=2]", "[sim: never]"])
    other = ended(company, ["[sim: never]"])
    assert failures(company.world).late_results == 0
    company.clock.advance(600)
    company.run_pass()
    company.clock.advance(1)

    report = failures(company.world)

    assert (report.late_results, report.failed, report.credits_refunded) == (1, 3, 30)
    assert failures(company.world, since="5m").late_results == 1
    assert failures(company.world, since="5m").finished == 0
    assert failures(company.world, until="5m").late_results == 0
    assert failures(company.world, batches=[str(batch_id)]).late_results == 1
    assert failures(company.world, batches=[str(other)]).late_results == 0


def test_window_is_that_of_the_end(company: Company) -> None:
    """A task counts in the hour in which it ended; the window begins with `since` and ends before `until`."""
    batch_id = ended(company, ["fine", "[sim: submit=400]", "[sim: submit=400]", "[sim: submit=400]"])
    now = company.clock.now
    hour = now.replace(minute=0, second=0, microsecond=0) - 6 * HOUR
    for index, at in enumerate((hour, hour, hour + HOUR, now - timedelta(hours=25))):
        edit_task(company, batch_id, index, "completed_at = %s", at)
    exact: dict[str, Any] = {"since": hour.isoformat(), "until": (hour + HOUR).isoformat()}

    assert (failures(company.world, **exact).succeeded, failures(company.world, **exact).failed) == (1, 1)
    assert failures(company.world, since="2h").finished == 0
    assert failures(company.world, since="3d").finished == 4
    assert failures(company.world).finished == 3
    report = failures(company.world, since=(hour - HOUR).isoformat(), until=(hour + 3 * HOUR).isoformat())
    assert [(bucket.start, bucket.finished, bucket.failed) for bucket in report.trend] == [
        (hour - HOUR, 0, 0),
        (hour, 2, 1),
        (hour + HOUR, 1, 1),
        (hour + 2 * HOUR, 0, 0),
    ]
    assert report.trend[1].by_type == dict.fromkeys(FailureType, 0) | {FailureType.PARAM_ERROR: 1}
    days = failures(company.world, since="3d", bucket=DAY).trend
    assert (days[0].start.hour, len(days), sum(day.failed for day in days)) == (0, 4, 3)


def test_task_that_does_not_say_when_it_ended_counts_when_it_was_changed_last(company: Company) -> None:
    """Tasks of the original worker without completed_at are counted by updated_at, or created_at."""
    batch_id = ended(company, ["[sim: submit=400]"] * 3)
    edit_task(company, batch_id, 0, "completed_at = null")
    edit_task(company, batch_id, 1, "completed_at = null, updated_at = updated_at - interval '2 days'")
    edit_task(company, batch_id, 2, "error_message = null, failure_type = 'new type', model = ''")

    report = failures(company.world)

    assert report.failed == 2
    assert counts(report.by_type) == {FailureType.PARAM_ERROR: 1, FailureType.UNKNOWN: 1}
    assert counts(report.by_model) == {"sora-2": 1, None: 1}
    tasks = company.tasks(batch_id)
    assert {(one.error, one.task_id) for one in report.samples} == {
        (tasks[0].error_message, tasks[0].id),
        (None, tasks[2].id),
    }
    assert failures(company.world, since="3d").failed == 3
    company.sql(
        "update video_tasks set completed_at = coalesce(completed_at, %s), failure_type = 'unknown',"
        " error_message = coalesce(error_message, 'odd')",
        company.clock.now,
    )


def test_tasks_outside_of_batches_are_never_ours(company: Company) -> None:
    """A single video of the same table is not counted, nor a task that has not ended."""
    company.sql(
        "insert into video_tasks (user_id, status, completed_at, failure_type) values (%s, 'failed', %s, 'timeout')",
        uuid4(),
        company.clock.now,
    )
    company.enqueue(company.customer(permanent=100), ["[sim: never]"])
    company.run_pass()
    company.clock.advance(1)
    assert failures(company.world).finished == 0


def test_batches_count_from_their_beginning(company: Company) -> None:
    """With batches named only they count, however long ago they ended; a window can be asked for all the same."""
    old = ended(company, ["fine", "[sim: submit=400]"])
    company.sql("update batch_jobs set created_at = created_at - interval '9 days'")
    company.sql("update video_tasks set completed_at = completed_at - interval '10 days'")
    new = ended(company, ["[sim: submit=400]"])
    ended(company, 1)

    both = failures(company.world, batches=[str(old), str(new)[:8]])

    assert (both.batch_ids, both.succeeded, both.failed) == ((old, new), 1, 2)
    assert both.since == min(task.completed_at for task in company.tasks(old))
    assert (both.bucket_seconds, sum(bucket.finished for bucket in both.trend)) == (86400, 3)
    assert failures(company.world, batches=[str(old), str(new)], since="24h").finished == 1
    assert failures(company.world).finished == 2


def test_batch_of_a_clock_that_is_ahead_has_a_window(company: Company) -> None:
    """A batch that its application created in the future, and which has not begun, is an empty page and no error."""
    batch_id = company.enqueue(company.customer(permanent=10), 1)
    company.sql("update batch_jobs set created_at = %s", company.clock.now + HOUR)
    report = failures(company.world, batches=[str(batch_id)])
    assert (report.finished, report.until - report.since) == (0, HOUR)
    company.sql("update batch_jobs set created_at = %s", company.clock.now)
    company.run_until_quiet()


def test_largest_are_told_and_the_rest_counted(company: Company) -> None:
    """Of models, reasons and errors the largest are told, and how many more there are; sums hold all."""
    kinds = SHOWN + 3
    batch_id = ended(company, [f"[sim: fail=error error='odd {number}']" for number in [*range(kinds), 7]])
    for number in range(kinds):
        edit_task(company, batch_id, number, "model = %s, failure_reason = %s", f"model {number}", f"reason {number}")
    same = [task for task in company.tasks(batch_id) if task.error_message == "odd 7"]
    earlier, last = sorted(same, key=lambda task: task.id)  # so that the order of ids does not give the right answer
    edit_task(company, batch_id, earlier.batch_index, "completed_at = completed_at - interval '1 minute'")

    report = failures(company.world)

    assert len(report.by_model) == len(report.by_reason) == len(report.samples) == SHOWN
    assert (report.samples[0].error, report.samples[0].count) == ("odd 7", 2)
    assert report.samples[0].task_id == last.id
    assert report.left_out == dict.fromkeys(report.left_out, 0) | {
        Dimension.MODEL: 4,
        Dimension.REASON: 4,
        Dimension.ERROR: 3,
    }
    assert report.failed == kinds + 1


def test_texts_of_strangers_are_cut_by_the_database(company: Company) -> None:
    """A megabyte in a column does not come over the wire, and texts that agree in what is kept are one."""
    batch_id = ended(company, ["[sim: submit=400]"] * 2)
    for index in range(2):
        edit_task(
            company,
            batch_id,
            index,
            "model = %s, failure_reason = %s, error_message = %s",
            *["模" * 200 + "x" * 1_000_000 + str(index)] * 3,
        )

    report = failures(company.world)

    expected = "模" * 200
    assert counts(report.by_model) == counts(report.by_reason) == {expected: 2}
    assert [(one.error, one.count) for one in report.samples] == [(expected, 2)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"since": "1h", "until": "2h"}, "must end after it begins"),
        ({"since": "2026-01-31", "until": "2026-01-31"}, "must end after it begins"),
        ({"since": "9999-01-01"}, "must end after it begins"),
        ({"until": "0001-01-01T00:00+00:00"}, "must end after it begins"),
        ({"since": "yesterday"}, "is no time"),
        ({"since": "1d", "until": "soon"}, "is no time"),
        ({"since": "0001-01-02"}, "more than 10000 days"),
        ({"since": "900d", "bucket": HOUR}, "more than 10000 hours"),
        ({"batches": ["0123"]}, "there is no batch"),
    ],
)
def test_window_that_means_nothing_is_a_usage_problem(company: Company, options: dict[str, Any], said: str) -> None:
    """Times that cannot be read, a window that is empty or endless, and a batch that is not there end with code 2."""
    with pytest.raises(UsageProblem, match=said):
        failures(company.world, **options)


def test_page_is_of_one_moment(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends while the statistics are made is in none of their numbers."""
    ended(company, ["[sim: submit=400]"])
    began = company.world.db.survey

    def late(look: Callable[[Conn], FailureReport]) -> FailureReport:
        def interrupted(tx: Conn) -> FailureReport:
            tx.execute("select from video_tasks limit 1")
            company.sql("update video_tasks set completed_at = completed_at - interval '2 days'")
            company.sql("insert into late_results select id, 'r', 'u', %s from video_tasks", company.clock.now - HOUR)
            return look(tx)

        return began(interrupted)

    with monkeypatch.context() as patch:
        patch.setattr(company.world.db, "survey", late)
        report = failures(company.world)
    assert (report.failed, report.late_results) == (1, 0)
    after = failures(company.world)
    assert (after.failed, after.late_results) == (0, 1)


def test_too_many_tasks_for_the_database_is_said_with_what_to_do(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the database gives up, an operator is told to ask for less, and not to wait for a next pass."""

    def gives_up(look: object) -> None:
        del look
        raise ShortageProblem("the database could not do it")

    monkeypatch.setattr(company.world.db, "survey", gives_up)
    with pytest.raises(Problem, match="ask for a shorter window") as caught:
        failures(company.world)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("statistics", ["of the rows", "of empty tables"])
def test_window_is_found_by_index(company: Company, monkeypatch: pytest.MonkeyPatch, statistics: str) -> None:
    """Whatever the history and the planner's statistics, no statement reads all tasks, for a day or for a batch."""
    company.sql("alter table video_tasks set (autovacuum_enabled = off)")
    company.sql("analyze")
    batch_id = ended(company, ["fine", "[sim: submit=400]"])
    add_history(company, 500)
    if statistics == "of the rows":
        company.sql("analyze")
    with explained(monkeypatch) as plans:
        assert failures(company.world).finished == 2
        assert failures(company.world, batches=[str(batch_id)]).finished == 2
    forget(company)
    assert {name for name in plans.buffers if name.startswith("stats/")} == {
        "stats/count_finished",
        "stats/count_late",
        "stats/find_beginning",
    }
    assert {table for name, table in plans.scanned if name.startswith("stats/")} & {"video_tasks"} == set()
    assert plans.buffers["stats/count_finished"] < 150
