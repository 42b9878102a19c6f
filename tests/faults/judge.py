"""The judgement of a history: its books against the model, the provider's journal and what customers heard."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from batchctl.domain.limits import OrphanPolicy
from tests.faults.criterion import UNKNOWN
from tests.faults.money import Bought
from tests.faults.shop import Shop
from tests.scenario import Company, violations

LIMITS = ("TASK_DEADLINE_REACHED", "MAX_POLL_COUNT_REACHED")
"""How the error begins of a task that a limit of ours has failed, whatever the provider said afterwards."""


def judge(company: Company, shop: Shop, *, is_calm: bool, receivers_were_ill: bool) -> None:
    """Assert that all is bought, charged and told as the model says.

    In a calm history neither the provider nor a worker failed, so that every task has the end that its script gives.
    """
    # Where the clock was set back, a batch may have ended before it began: that is the clock's fault.
    company.sql("update batch_jobs set completed_at = created_at where completed_at < created_at")
    assert violations(company.conn, company.clock, company.world.limits) == []
    # Later histories in this database must not look for what this one's provider may still make.
    company.sql("delete from late_looks")
    company.tries_cut_short = len(company.sql("select 1 from delivery_attempts where duration_ms is null"))
    ids = {batch.batch_id for batch in _all(shop)}
    batches = {row.id: row for row in company.sql("select * from batch_jobs") if row.id in ids}
    tasks = {row.prompt: row for row in company.sql("select * from video_tasks") if row.batch_job_id in batches}
    _judge_purchases(company, tasks)
    _judge_charges(company, shop, batches, tasks, is_calm=is_calm)
    _judge_bonus(company, shop)
    _judge_events(company, shop, receivers_were_ill=receivers_were_ill)


def _judge_purchases(company: Company, tasks: dict[str, Any]) -> None:
    """P1 and P2: nothing is bought twice without leave, and each purchase is known or in doubt."""
    most = 1 + (company.world.limits.orphan_policy is OrphanPolicy.RESUBMIT)
    bought = company.provider.journal.accepted_per_prompt()
    assert {prompt: n for prompt, n in bought.items() if n > most} == {}, "bought again"
    lost = [
        one.prompt
        for one in company.provider.journal.accepted
        if tasks[one.prompt].grsai_task_id != one.remote_id
        and tasks[one.prompt].error_message != UNKNOWN
        and not tasks[one.prompt].resubmits
    ]
    assert lost == [], "bought, and forgotten"


def _judge_charges(
    company: Company, shop: Shop, batches: dict[UUID, Any], tasks: dict[str, Any], *, is_calm: bool
) -> None:
    """P3: each customer has what he was given, less the price of each video that the provider made for him."""
    told = company.provider.journal.delivered()
    made = {one.prompt for one in company.provider.journal.accepted if one.remote_id in told}
    excused = {prompt for prompt, task in tasks.items() if (task.error_message or "").startswith(LIMITS)}
    for customer in shop.customers:
        spent = 0
        for batch in customer.batches:
            row = batches[batch.batch_id]
            reason = row.last_error if row.settlement_status == "pending" else None
            assert customer.may_refuse(batch, reason), (batch, reason, customer)
            least, most = batch.videos(made, excused)
            if is_calm and reason is None:
                least = max(least, len(batch.good - excused))
            assert least <= row.success_count <= most, (batch, row.success_count, least, most)
            spent += row.success_count * (batch.price or 0)
        has = sum(company.wallet(customer.user_id))
        assert has == customer.given - spent, (customer, has, spent)


def _judge_bonus(company: Company, shop: Shop) -> None:
    """Bonus credits were taken while they were valid, and for tasks that may use them."""
    rows = company.sql(
        "select ref_id, -credits_delta as taken from credit_ledger"
        " where ref_type = 'batch_upfront' and bucket = 'bonus'"
    )
    taken = {row.ref_id: row.taken for row in rows}
    for batch in _all(shop):
        assert batch.bonus_limit is None or taken.get(str(batch.batch_id), 0) <= batch.bonus_limit, batch


def _judge_events(company: Company, shop: Shop, *, receivers_were_ill: bool) -> None:
    """H1: each batch whose customer wants to hear of it is one event, acknowledged or given up by an ill receiver."""
    heard: defaultdict[str, set[str]] = defaultdict(set)
    for entry in company.receiver.journal.entries:
        heard[entry.headers["x-batch-id"]].add(entry.webhook_id)
    acknowledged = company.receiver.journal.delivered()
    for batch in _all(shop):
        names = heard[str(batch.batch_id)]
        assert len(names) == batch.is_told, (batch, names)
        assert names <= acknowledged or receivers_were_ill, (batch, names)


def _all(shop: Shop) -> list[Bought]:
    return [batch for customer in shop.customers for batch in customer.batches]
