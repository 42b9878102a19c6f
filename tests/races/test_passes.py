"""Whole passes side by side: whatever they interleave, nothing happens twice and the sums are right."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from batchctl.domain.report import PassReport
from batchctl.service.run_once import run_once
from batchctl.service.world import World, start_pass
from tests.scenario import Company

WORKERS = 8
BATCHES = 200
FATES = ("polls=1", "polls=2", "fail=error", "submit=400", "submit=503 submit_times=1", "submit=429 submit_times=2")


def raise_again(error: Exception) -> None:
    """Let nothing pass for a mere finding."""
    raise error


def one_pass(world: World) -> PassReport:
    """Run a pass."""
    return run_once(world, start_pass(world, None), raise_again)


def test_eight_workers_on_two_hundred_batches(company: Company) -> None:
    """Eight workers at once claim, send, charge, refund and tell each batch exactly once.

    A third of the batches cannot be paid for; the others have tasks of every fate.
    """
    company.limit(max_claim=10, max_settle=10)
    rich = [company.customer(permanent=2000, bonus=300) for _ in range(4)]
    poor = [company.customer(permanent=19) for _ in range(BATCHES // 3)]
    batch_ids = [
        company.enqueue(user, [f"{number} {n} [sim: {FATES[(number + n) % len(FATES)]}]" for n in range(2)])
        for number, user in enumerate([*(rich * BATCHES)[: BATCHES - len(poor)], *poor])
    ]
    reports: list[PassReport] = []
    with ExitStack() as stack:
        worlds = [company.world, *(stack.enter_context(company.other_worker()) for _ in range(WORKERS - 1))]
        threads = stack.enter_context(ThreadPoolExecutor(WORKERS))
        for _ in range(20):
            company.clock.advance(80)
            reports += threads.map(one_pass, worlds)
            if not company.is_open():
                break

    paid, refused = batch_ids[: BATCHES - len(poor)], batch_ids[BATCHES - len(poor) :]
    assert {company.batch(batch_id).status for batch_id in paid} <= {"completed", "partial", "failed"}
    assert {company.batch(batch_id).last_error for batch_id in refused} == {"INSUFFICIENT_CREDITS"}
    assert [finding for report in reports for finding in report.findings] == []
    assert sum(report.dispatch.frozen for report in reports) == sum(report.settle.settled for report in reports)
    assert sum(report.dispatch.frozen for report in reports) == len(paid)
    assert sum(report.dispatch.freeze_failed for report in reports) == len(refused)
    assert sum(report.webhook.sent for report in reports) == BATCHES
    # Each task was accepted at most once, and what the provider delivered is what customers paid for.
    assert set(company.provider.journal.accepted_per_prompt().values()) == {1}
    spent = sum(company.batch(batch_id).credits_spent for batch_id in paid)
    assert spent == 10 * len(company.provider.journal.delivered()) > 0
    assert sum(sum(company.wallet(user)) for user in rich) == 4 * 2300 - spent
    told = Counter(entry.webhook_id for entry in company.receiver.journal.entries)
    assert (len(told), set(told.values())) == (BATCHES, {1})
    company.world.db.close()  # a session counts its deadlocks when it ends
    (stats,) = company.sql("select deadlocks from pg_stat_database where datname = current_database()")
    assert stats.deadlocks == 0
