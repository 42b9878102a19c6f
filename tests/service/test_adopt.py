"""Passes over the original worker's database: what is provable is brought to its end, and nothing else is touched."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Any
from uuid import UUID

import pytest

from batchctl.db import Database
from batchctl.service.migrate import SESSION, migrate
from tests.legacy.leftovers import WALLET, Leftovers, leave_behind
from tests.legacy.original import Original, Variant, original
from tests.scenario import Company, at_work
from tests.simulator.client import submit


def submitted(company: Company, prompt: str) -> str:
    """Have the provider work on something, and return the id of that."""
    return str(submit(company.provider, prompt, key="sk-test").json["data"]["id"])


@contextmanager
def inherited(dsn: str, variant: Variant | None = None) -> Iterator[tuple[Company, Original]]:
    """Give a company at work on the original's database, which is to be migrated; it ends with the audit."""
    with original(dsn, variant or Variant()) as old, at_work(dsn) as company:
        yield company, old


def adopt(company: Company) -> None:
    """Migrate the database."""
    with closing(Database(company.dsn, company.clock.sleep, session=SESSION)) as db:
        migrate(db, company.clock.sleep)


def told(company: Company) -> set[UUID]:
    """Return the batches whose end was told, each once."""
    rows = company.sql("select batch_job_id from webhook_deliveries where status = 'sent'")
    batches = [row.batch_job_id for row in rows]
    assert len(company.receiver.journal.delivered()) == len(batches) == len(set(batches))
    return set(batches)


def ends(company: Company, left: Leftovers) -> dict[str, tuple[Any, ...]]:
    """Return how each batch stands: status, settlement, credits frozen and spent, videos made and failed."""
    found: dict[str, tuple[Any, ...]] = {}
    for name, batch_id in asdict(left).items():
        if name != "user_id":
            b = company.batch(batch_id)
            found[name] = (
                b.status,
                b.settlement_status,
                b.frozen_credits,
                b.credits_spent,
                b.success_count,
                b.failed_count,
            )
    return found


@pytest.mark.parametrize("functions_of_100", [False, True])
def test_whatever_is_provable_comes_to_its_end(empty_dsn: str, *, functions_of_100: bool) -> None:
    """Ordinary passes bring every leftover to the end that can be proved; the rest they report and leave alone."""
    variant = Variant(optional_columns=not functions_of_100, functions_of_100=functions_of_100)
    with inherited(empty_dsn, variant) as (company, old):
        jobs = submitted(company, "early one"), submitted(company, "early two")
        left = leave_behind(old, f"{company.receiver.base_url}/hook", jobs)
        columns = old.columns()
        before = old.contents(columns)
        adopt(company)
        findings = [finding.message for finding in company.run_pass().findings]
        for _ in range(12):
            company.clock.advance(61)
            findings += [finding.message for finding in company.run_pass().findings]

        assert ends(company, left) == {
            "queued": ("completed", "finalized", 20, 20, 2, 0),
            "never_started": ("partial", "refunded", 120, 110, 11, 1),
            "unsent": ("failed", "refunded", 20, 0, 0, 2),
            "without_tasks": ("failed", "refunded", 30, 0, 0, 0),
            "paid_early": ("completed", "finalized", 10, 10, 1, 0),
            "never_paid": ("completed", "finalized", 10, 10, 1, 0),
            "settled": ("partial", "refunded", 20, 10, 1, 1),
            "refused": ("failed", "pending", 0, 0, 0, 0),
            "failed_paid": ("failed", "refunded", 20, 0, 0, 2),
            "failed_with_video": ("partial", "refunded", 20, 10, 1, 1),
            "failed_empty": ("failed", "pending", 0, 0, 0, 0),
            "finished": ("completed", "finalized", 10, 10, 1, 0),
            "without_status": ("processing", "pending", 10, 0, 0, 0),
            "at_provider": ("completed", "finalized", 20, 20, 2, 0),
            "never_settled": ("completed", "pending", 10, 0, 0, 0),
        }
        spent = 20 + 110 + 10 + 10 + 10 + 10 + 10 + 20
        still_frozen = 10 + 10
        assert company.wallet(left.user_id) == (WALLET - spent - still_frozen, 0)
        assert findings == [f"batch {left.without_status} is on hold: some of its tasks have no status"]
        assert told(company) == {
            *(left.queued, left.never_started, left.unsent, left.without_tasks),
            *(left.paid_early, left.never_paid, left.settled, left.at_provider),
        }
        assert {(t.status, t.failure_type, t.error_message) for t in company.tasks(left.refused)} == {
            ("failed", "unknown", "BATCH_FAILED")
        }
        after = old.contents(columns)
        untouched = {line for line in before["video_tasks"] if ",alone," in line}
        assert len(untouched) == 6
        assert untouched <= set(after["video_tasks"])
        for batch_id in (left.finished, left.never_settled, left.failed_empty):
            assert [line for line in before["batch_jobs"] if str(batch_id) in line] == [
                line for line in after["batch_jobs"] if str(batch_id) in line
            ]
        assert set(before["credit_ledger"]) <= set(after["credit_ledger"])


def test_bonus_frozen_by_the_original_goes_back_to_the_bonus(empty_dsn: str) -> None:
    """Rows of the ledger older than the buckets tell by their meta where the credits came from (contract §2)."""
    with inherited(empty_dsn) as (company, old):
        user_id = old.user(permanent=5, bonus=25)
        batch_id = old.paid(user_id, 3)
        for task_id in old.tasks(batch_id):
            old.set_task(task_id, status="failed", error_message="moderation")
        assert company.wallet(user_id) == (0, 0)
        adopt(company)

        company.run_pass()

        assert company.wallet(user_id) == (5, 25)


def test_nothing_is_sent_for_a_batch_before_it_is_paid_for(empty_dsn: str) -> None:
    """The original claims and pays in two transactions; a pass between them sends nothing and does not pay again."""
    with inherited(empty_dsn) as (company, old):
        user_id = old.user(permanent=100)
        batch_id = old.enqueue(user_id, 2)
        adopt(company)
        (claimed,) = old.run("select id from claim_batch_jobs(5)")
        assert claimed == (batch_id,)

        company.run_pass()
        assert company.provider.journal.submissions == ()
        assert old.freeze(batch_id) == {
            "ok": True,
            "already": False,
            "frozen": 20,
            "bonus_used": 0,
            "permanent_used": 20,
        }
        company.run_pass()
        assert len(company.provider.journal.accepted) == 2

        company.clock.advance(30)
        company.run_pass()
        assert company.batch(batch_id).status == "completed"
        assert company.wallet(user_id) == (80, 0)


def test_a_batch_is_paid_for_once_whoever_comes_first(empty_dsn: str) -> None:
    """While the original pays, its batch is passed over; what either has paid, the other does not pay again."""
    with inherited(empty_dsn) as (company, old):
        user_id = old.user(permanent=100)
        adopt(company)
        batch_id = old.enqueue(user_id, 1)
        with old.conn.transaction():
            assert old.freeze(batch_id)["already"] is False
            company.run_pass()
            assert company.batch(batch_id).status == "queued"
        company.run_pass()
        company.run_pass()
        assert len(company.provider.journal.accepted) == 1
        assert company.wallet(user_id) == (90, 0)

        batch_id = old.enqueue(user_id, 1)
        company.run_pass()
        assert old.freeze(batch_id)["already"] is True
        company.clock.advance(30)
        company.run_pass()
        assert old.finalize(batch_id, 0)["already"] is True
        assert company.wallet(user_id) == (80, 0)


def test_tasks_of_a_batch_that_the_original_claimed_may_come_late(empty_dsn: str) -> None:
    """A batch that is paid for and has no tasks yet is not settled until the time for them is over (contract §1)."""
    with inherited(empty_dsn) as (company, old):
        user_id = old.user(permanent=100)
        adopt(company)
        late, never = [old.paid(user_id, 0, total=1) for _ in range(2)]
        old.run("update batch_jobs set created_at = now(), enqueued_at = null, updated_at = now()")

        company.run_pass()
        assert {company.batch(batch_id).status for batch_id in (late, never)} == {"processing"}
        old.run(
            "insert into video_tasks (user_id, batch_job_id, batch_index, prompt) values (%s, %s, 0, 'x')",
            user_id,
            late,
        )
        company.run_pass()
        company.clock.advance(601)
        company.run_pass()

        assert company.batch(late).status == "completed"
        assert (company.batch(never).status, company.batch(never).settlement_status) == ("failed", "refunded")
        assert company.wallet(user_id) == (90, 0)


def test_hands_of_the_original_are_waited_for(empty_dsn: str) -> None:
    """What it touched a moment ago is left to it; what lies for BATCH_CLAIM_TIMEOUT_SECONDS is brought on."""
    with inherited(empty_dsn) as (company, old):
        user_id = old.user(permanent=100)
        adopt(company)
        unpaid = old.enqueue(user_id, 1)
        old.run("select claim_batch_jobs(5)")
        settled = old.paid(user_id, 1)
        old.set_task(old.tasks(settled)[0], status="succeeded", grsai_task_id="r", video_url="https://v")
        old.finalize(settled, 1)

        company.run_pass()
        assert {company.batch(batch_id).status for batch_id in (unpaid, settled)} == {"processing"}
        company.clock.advance(301)
        company.run_pass()

        assert company.batch(settled).status == "completed"
        assert company.batch(unpaid).status == "queued"


def test_one_that_cannot_be_written_stops_no_other(empty_dsn: str) -> None:
    """A leftover that the database refuses goes on hold and is named; the others are brought to their end."""
    with inherited(empty_dsn) as (company, old):
        user_id, hook = old.user(permanent=100), f"{company.receiver.base_url}/hook"
        odd, plain = [old.paid(user_id, 1, webhook=hook) for _ in range(2)]
        for batch_id in (odd, plain):
            (task_id,) = old.tasks(batch_id)
            old.set_task(task_id, status="failed", error_message="moderation")
            old.finalize(batch_id, 0)
        old.age()
        adopt(company)
        old.run(
            "insert into webhook_deliveries (batch_job_id, event_type, url, body)"
            " values (%s, 'batch.failed', %s, '{}')",
            odd,
            hook,
        )

        (finding,) = company.run_pass().findings

        assert finding.message.startswith(f"batch {odd} is on hold: duplicate key value")
        assert (company.batch(odd).status, company.batch(plain).status) == ("processing", "failed")
        assert told(company) == {plain}
        old.run("delete from webhook_deliveries where batch_job_id = %s", odd)  # which no worker wrote


def test_failure_after_the_adoption_is_told(empty_dsn: str) -> None:
    """When the original fails a batch from now on that was paid for, the credits go back and the customer is told."""
    with inherited(empty_dsn) as (company, old):
        user_id = old.user(permanent=100)
        adopt(company)
        batch_id = old.paid(user_id, 2, webhook=f"{company.receiver.base_url}/hook")
        old.run("update batch_jobs set status = 'failed', last_error = 'DISPATCH_FAILED', updated_at = now()")

        company.run_pass()

        assert (company.batch(batch_id).status, company.wallet(user_id)) == ("failed", (100, 0))
        assert told(company) == {batch_id}
        assert {task.error_message for task in company.tasks(batch_id)} == {"DISPATCH_FAILED"}


def test_task_of_the_original_has_its_deadline(empty_dsn: str) -> None:
    """What it sent is asked for like ours; its deadline counts from the first time that it is asked for here."""
    with inherited(empty_dsn) as (company, old):
        company.limit(max_poll_count=1000)
        batch_id = old.paid(old.user(permanent=100), 1)
        endless = submitted(company, "x [sim: never]")
        old.set_task(old.tasks(batch_id)[0], status="processing", grsai_task_id=endless, attempts=1)
        old.age()
        adopt(company)

        company.run_pass()
        company.clock.advance(7199)
        company.run_pass()
        assert company.tasks(batch_id)[0].status == "processing"
        company.clock.advance(1)
        company.run_pass()

        (task,) = company.tasks(batch_id)
        assert (task.status, task.failure_type, task.error_message) == ("failed", "timeout", "TASK_DEADLINE_REACHED")
        assert company.batch(batch_id).settlement_status == "refunded"
