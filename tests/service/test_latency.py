"""How long the parts of the way took: measured from the rows, over what ended in a window, found by index."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from batchctl.domain.latency import Part, PartLatency
from batchctl.domain.problem import UsageProblem
from batchctl.service.stats import latency
from tests.scenario import Company
from tests.test_plans import KEEP_FOR_EVER, add_history, explained, forget


def parts(company: Company, **options: Any) -> dict[Part, PartLatency]:
    """Measure, and return the parts by their names."""
    return {one.part: one for one in latency(company.world, **options).parts}


def ended(company: Company, prompts: int, *, model: str = "sora-2", webhook: str | None = "/hook") -> UUID:
    """Have a batch of a customer of its own run to its end: sent 7 s after it came, asked for 40 s later."""
    company.limit(max_start_per_batch=100)
    batch_id = company.enqueue(company.customer(permanent=1000), prompts, models=[model] * prompts, webhook=webhook)
    company.sql("update batch_jobs set created_at = %s where id = %s", company.clock.now, batch_id)
    company.clock.advance(7)
    company.run_pass()
    company.clock.advance(40)
    company.run_pass()
    company.clock.advance(1)
    return batch_id


def test_each_part_is_measured_where_it_begins_and_ends(company: Company) -> None:
    """Start counts from the batch's arrival, finish from the first try, settle and tell from what came before."""
    batch_id = ended(company, 3)
    company.sql("update video_tasks set completed_at = completed_at - interval '10 s' where batch_index = 1")
    company.sql("update video_tasks set completed_at = completed_at - interval '2 s' where batch_index <> 1")
    company.sql("update delivery_attempts set started_at = started_at + interval '3 s', duration_ms = 500")

    measured = parts(company)

    first_sent_s = (company.tasks(batch_id)[0].first_attempt_at - company.batch(batch_id).created_at).total_seconds()
    assert measured[Part.START].p50_s == pytest.approx(first_sent_s)
    assert first_sent_s == pytest.approx(7, abs=0.1)
    finish = measured[Part.FINISH]
    assert finish.count == 3
    assert finish.longest_s == pytest.approx(38, abs=0.1)
    assert finish.p50_s == pytest.approx(38, abs=0.1)
    assert measured[Part.SETTLE].p99_s == pytest.approx(2, abs=0.1)
    assert measured[Part.TELL].p50_s == pytest.approx(3.5, abs=0.1)
    assert (measured[Part.SETTLE].count, measured[Part.TELL].count) == (1, 1)


def test_percentiles_lie_between_what_was_measured(company: Company) -> None:
    """Percentiles are those that PostgreSQL computes, and each measurement lies in the bin of its length."""
    batch_id = ended(company, 5)
    for index, length_s in enumerate((0.5, 4, 5, 100, 10_000)):
        company.sql(
            "update video_tasks set first_attempt_at = completed_at - make_interval(secs => %s)"
            " where batch_job_id = %s and batch_index = %s",
            *(length_s, batch_id, index),
        )
    company.sql("update batch_jobs set created_at = %s", company.clock.now - timedelta(days=1))

    finish = parts(company)[Part.FINISH]

    assert (finish.p50_s, finish.longest_s) == (5, 10_000)
    assert finish.p95_s == pytest.approx(8020)
    assert finish.p99_s == pytest.approx(9604)
    assert [one.count for one in finish.histogram] == [1, 1, 1, 0, 1, 0, 0, 0, 1]
    assert [one.below_s for one in finish.histogram][-2:] == [7200, None]


def test_first_answer_that_took_it_counts(company: Company) -> None:
    """A customer is told with the first 2xx, whatever was tried before and resent later; until then it is open."""
    batch_id = ended(company, 1, webhook="/hook?sim=500&times=5")
    tell = parts(company)[Part.TELL]
    assert (tell.count, tell.open_count, tell.p50_s) == (0, 1, None)
    company.run_until_quiet()
    tries = company.tries(batch_id)
    assert [one.status_code for one in tries] == [500] * 5 + [200]
    company.sql(
        "insert into delivery_attempts (delivery_id, attempt, started_at, duration_ms, status_code)"
        " select delivery_id, 9, started_at + interval '1 hour', 5, 200 from delivery_attempts where status_code = 200"
    )
    company.clock.advance(1)
    tell = parts(company)[Part.TELL]
    told_at = tries[-1].started_at + timedelta(milliseconds=tries[-1].duration_ms)
    assert (tell.count, tell.open_count) == (1, 0)
    assert tell.longest_s == pytest.approx((told_at - company.batch(batch_id).completed_at).total_seconds())
    company.sql("delete from delivery_attempts where attempt = 9")


def test_what_never_began_is_not_measured(company: Company) -> None:
    """A refused batch has no start, no finish and no settlement; that its customer is told counts."""
    company.enqueue(company.customer(permanent=5), 2)
    company.run_until_quiet()
    company.clock.advance(1)
    measured = parts(company)
    assert {part: one.count for part, one in measured.items()} == {
        Part.START: 0,
        Part.FINISH: 0,
        Part.SETTLE: 0,
        Part.TELL: 1,
    }
    assert measured[Part.START].p50_s is None
    assert {one.open_count for one in measured.values()} == {0}


def test_clock_of_an_application_may_be_ahead(company: Company) -> None:
    """A batch that came after it was sent, by its application's clock, took no time; nothing is negative."""
    batch_id = ended(company, 1)
    company.sql("update batch_jobs set enqueued_at = %s where id = %s", company.clock.now, batch_id)
    start = parts(company)[Part.START]
    assert (start.p50_s, start.longest_s, start.histogram[0].count) == (0, 0, 1)


def test_cuts(company: Company) -> None:
    """A customer, a model, a window: each leaves out what it does not name, of tasks and of batches."""
    one = ended(company, 2)
    two = ended(company, 3, model="veo-pro")
    company.clock.advance(3600)
    user_id = company.batch(one).user_id
    counted: dict[str, dict[str, Any]] = {
        "all": {},
        "customer": {"user_id": user_id},
        "model": {"model": "veo-pro"},
        "both": {"user_id": user_id, "model": "veo-pro"},
        "since": {"since": company.batch(two).completed_at.isoformat()},
        "until": {"until": company.batch(two).completed_at.isoformat()},
    }
    seen = {name: [one.count for one in latency(company.world, **cut).parts] for name, cut in counted.items()}
    assert seen == {
        "all": [5, 5, 2, 2],
        "customer": [2, 2, 1, 1],
        "model": [3, 3, 1, 1],
        "both": [0, 0, 0, 0],
        "since": [3, 3, 1, 1],
        "until": [2, 2, 1, 1],
    }


def test_window_that_means_nothing_is_a_usage_problem(company: Company) -> None:
    """Times that cannot be read, or that follow each other the wrong way, end with code 2."""
    windows: list[dict[str, Any]] = [{"since": "soon"}, {"since": "1h", "until": "2h"}]
    for window in windows:
        with pytest.raises(UsageProblem):
            latency(company.world, **window)


@pytest.mark.parametrize("cut", ["none", "customer", "model"])
def test_window_is_found_by_index(company: Company, monkeypatch: pytest.MonkeyPatch, cut: str) -> None:
    """However much has ended before, measuring a day reads no table whole and touches few pages."""
    for table in KEEP_FOR_EVER:
        company.sql(f"alter table {table} set (autovacuum_enabled = off)")
    add_history(company, 3000)
    batch_id = ended(company, 3)
    user_id = company.batch(batch_id).user_id
    company.sql("analyze")
    options = {"none": {}, "customer": {"user_id": user_id}, "model": {"model": "sora-2"}}[cut]
    with explained(monkeypatch) as plans:
        measured = parts(company, **options)
    forget(company)
    assert [one.count for one in measured.values()] == [3, 3, 1, 1]
    assert {(name, table) for name, table in plans.scanned if table in KEEP_FOR_EVER} == set()
    assert 0 < plans.buffers["stats/latency"] < 200
