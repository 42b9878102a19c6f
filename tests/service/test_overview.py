"""The overview: what is open and how old, what came of the last day, the credits of the week; no scan of the rest."""

from datetime import timedelta
from uuid import uuid4

import pytest

from batchctl.domain.action import Command
from batchctl.domain.overview import DAYS, HOURS
from batchctl.domain.pause import Stage
from batchctl.domain.window import DAY, HOUR
from batchctl.service import pauses
from batchctl.service.stats import overview
from tests.scenario import Company
from tests.test_plans import KEEP_FOR_EVER, add_history, explained, forget

MINUTE = timedelta(minutes=1)


def test_nothing_is_nothing(company: Company) -> None:
    """A new database has an overview without anything due, without rates, and with each hour and day."""
    shown = overview(company.world)
    queues = shown.queues
    assert {value for name in queues.__slots__ if (value := getattr(queues, name))} == set()
    assert (shown.success_rate, shown.account, shown.last_run, shown.pauses) == (None, None, None, ())
    assert (len(shown.hours), len(shown.days)) == (HOURS, DAYS)
    assert shown.days[-1].start <= company.clock.now < shown.days[-1].start + DAY
    assert shown.hours[-1].start == company.clock.now - HOUR


def test_each_queue_has_its_number_and_its_oldest(company: Company) -> None:
    """Batches and tasks are counted where they stand, and the age is that of what waits longest."""
    rich = company.customer(permanent=1000)
    began = company.clock.now
    running = company.enqueue(rich, ["[sim: never]"] * 3)
    deferred = company.enqueue(rich, ["[sim: submit=429]"])
    doubtful = company.enqueue(rich, ["x [sim: never]"])
    company.run_pass()
    company.sql("update video_tasks set grsai_task_id = null, next_poll_at = null where batch_job_id = %s", doubtful)
    company.clock.advance(1)
    assert overview(company.world).queues.orphan_count == 0  # it may still be on its way
    company.clock.advance(400)
    company.sql("update batch_jobs set created_at = %s", began)
    queued = company.enqueue(rich, 2)
    company.sql("update batch_jobs set created_at = %s where id = %s", company.clock.now - MINUTE, queued)

    queues = overview(company.world).queues

    assert (queues.queued_count, queues.queued_since) == (1, company.clock.now - MINUTE)
    assert (queues.processing_count, queues.pending_count, queues.in_flight_count) == (3, 3, 4)
    first_due_at = min(task.next_poll_at for task in company.tasks(running))
    assert (queues.poll_due_count, queues.poll_due_since) == (3, first_due_at)
    assert (queues.orphan_count, queues.orphan_since) == (1, company.tasks(doubtful)[0].claimed_at)
    assert (queues.unsettled_count, queues.delivery_due_count, queues.held_batch_count) == (0, 0, 0)

    company.sql("update batch_jobs set hold_reason = 'x' where id = %s", deferred)
    company.sql("update video_tasks set hold_reason = 'x' where batch_job_id = %s and batch_index = 0", running)
    queues = overview(company.world).queues
    assert (queues.held_batch_count, queues.held_task_count, queues.poll_due_count) == (1, 1, 2)
    company.sql("update batch_jobs set hold_reason = null")
    company.sql("update video_tasks set hold_reason = null")
    company.run_until_quiet(step_s=700)


def test_settlements_and_deliveries_that_are_due(company: Company) -> None:
    """A batch whose tasks have ended waits since the last of them; an event waits since its try was due."""
    batch_id = company.enqueue(company.customer(permanent=1000), 1, webhook="/hook?sim=500&times=1")
    command = Command(name="pause", arguments={}, reason="x", os_user="night", host="here")
    pauses.pause(company.world, [Stage.SETTLE], command)
    company.run_pass()
    company.clock.advance(6)
    company.run_pass()
    company.clock.advance(60)
    shown = overview(company.world)
    verdict_at = company.tasks(batch_id)[0].completed_at
    assert (shown.queues.unsettled_count, shown.queues.unsettled_since) == (1, verdict_at)
    assert [(pause.stage, pause.reason, pause.by) for pause in shown.pauses] == [(Stage.SETTLE, "x", "night@here")]

    pauses.resume(company.world, [Stage.SETTLE])
    pauses.pause(company.world, [Stage.WEBHOOK], command)
    company.run_pass()
    company.clock.advance(60)
    queues = overview(company.world).queues
    assert (queues.unsettled_count, queues.delivery_due_count) == (0, 1)
    assert queues.delivery_due_since == company.deliveries(batch_id)[0].next_attempt_at
    pauses.resume(company.world, [Stage.WEBHOOK])
    company.run_until_quiet()
    assert overview(company.world).queues.delivery_due_count == 0


def test_tasks_count_in_their_hour_and_credits_on_their_day(company: Company) -> None:
    """What ended in the last sixty minutes stands in the last hour; credits are those of the ledger and the batches."""
    batch_id = company.enqueue(company.customer(permanent=100), ["fine", "fine", "[sim: fail=error]"], cost=7)
    company.enqueue(uuid4(), 2)
    company.run_until_quiet()
    company.clock.advance(1)
    tasks = company.tasks(batch_id)
    company.sql(
        "update video_tasks set completed_at = %s where id = %s",
        *(company.clock.now - 3 * HOUR, tasks[0].id),
    )
    shown = overview(company.world)
    assert [(hour.succeeded, hour.failed) for hour in shown.hours[-4:]] == [(0, 0), (1, 0), (0, 0), (1, 1)]
    assert (shown.succeeded, shown.failed, shown.success_rate) == (2, 1, 2 / 3)
    assert [sum(getattr(day, kind) for day in shown.days) for kind in ("frozen", "spent", "refunded")] == [21, 14, 7]
    ended_at = company.batch(batch_id).completed_at
    assert [day.start <= ended_at < day.start + DAY for day in shown.days if day.spent] == [True]
    assert shown.last_run is not None
    assert shown.last_run.exit_code == 0
    company.clock.advance(8 * 86400)
    later = overview(company.world)
    assert (later.succeeded, later.failed, sum(day.spent + day.refunded for day in later.days)) == (0, 0, 0)
    company.clock.advance(-8 * 86400)


def test_account_that_is_refused(company: Company) -> None:
    """While the provider refuses our account, that stands in the overview."""
    company.enqueue(company.customer(permanent=100), ["[sim: submit=401]"])
    company.run_pass()
    shown = overview(company.world)
    assert shown.account is not None
    assert shown.account.waiting_count == 1
    company.run_until_quiet(step_s=700)


def test_cost_does_not_grow_with_history(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever has ended, no statement of the overview reads a table of it, and none touches many pages."""
    for table in KEEP_FOR_EVER:
        company.sql(f"alter table {table} set (autovacuum_enabled = off)")
    add_history(company, 3000)
    company.sql(
        "insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id, created_at, bucket)"
        " select gen_random_uuid(), 'spend', -1, 'batch_upfront', n::text, %s, 'permanent'"
        " from generate_series(1, 60000) as n",
        company.clock.now - 30 * DAY,
    )
    company.sql("select brin_summarize_new_values('credit_ledger_by_time')")
    company.enqueue(company.customer(permanent=1000), 3)
    company.run_until_quiet()
    company.clock.advance(1)
    company.sql("analyze")
    with explained(monkeypatch) as plans:
        shown = overview(company.world)
    forget(company)
    assert (shown.succeeded, sum(day.spent for day in shown.days)) == (3, 30)
    mine = {name: pages for name, pages in plans.buffers.items() if name.startswith("stats/")}
    assert set(mine) == {"stats/queues", "stats/hours", "stats/days", "stats/last_run"}
    assert {(name, table) for name, table in plans.scanned if table in KEEP_FOR_EVER} == set()
    assert max(mine.values()) < 300, mine
