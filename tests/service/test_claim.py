"""Claiming: what is frozen, what is refused, whose turn it is."""

from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from batchctl.domain.batch import Refusal
from batchctl.domain.problem import Problem
from batchctl.service.claim import claim
from tests.scenario import Company


def frozen(company: Company, batch_id: UUID) -> dict[str, int]:
    """Return how many credits were frozen from each bucket; fails when the batch was not claimed."""
    batch = company.batch(batch_id)
    assert batch.status == "processing"
    rows = company.ledger(batch_id)
    assert {kind for kind, _, _ in rows} <= {"batch_upfront"}
    assert batch.frozen_credits == -sum(delta for _, _, delta in rows)
    return {bucket: -delta for _, bucket, delta in rows}


PAYMENTS: dict[str, tuple[int, int, float | None, list[str | None], dict[str, int]]] = {
    # What the wallet holds (permanent, bonus, days until the bonus expires), the models, and what is frozen.
    "bonus first": (100, 100, 1, ["sora-2"] * 3, {"bonus": 30}),
    "then permanent": (100, 10, 1, ["sora-2"] * 3, {"bonus": 10, "permanent": 20}),
    "expired bonus": (100, 100, -1, ["sora-2"] * 3, {"permanent": 30}),
    "bonus without expiry": (100, 100, None, ["sora-2"] * 3, {"permanent": 30}),
    "veo-pro in any letter case": (100, 100, 1, ["veo-pro", "VEO-Pro", " Veo-PRO\t"], {"permanent": 30}),
    "mixed models": (100, 100, 1, ["sora-2", "veo-pro", "veo-flash"], {"bonus": 20, "permanent": 10}),
    "other models": (100, 100, 1, [None, "veo", "veo-pro-2"], {"bonus": 30}),
    "exactly enough": (20, 10, 1, ["sora-2"] * 3, {"bonus": 10, "permanent": 20}),
    "exactly enough of each": (10, 20, 1, ["veo-pro", "sora-2", "sora-2"], {"bonus": 20, "permanent": 10}),
}


def test_freeze_takes_bonus_first(company: Company) -> None:
    """Valid bonus goes first, for tasks that are not veo-pro, and the wallet loses exactly what the ledger says."""
    company.limit(max_claim=99)
    customers = {name: company.customer(*payment[:3]) for name, payment in PAYMENTS.items()}
    batch_ids = {
        name: company.enqueue(customers[name], len(payment[3]), models=payment[3]) for name, payment in PAYMENTS.items()
    }

    claims = claim(company.world)

    assert (claims.frozen, claims.credits_frozen) == (len(PAYMENTS), 30 * len(PAYMENTS))
    assert (claims.refusals, claims.held) == ({}, [])
    for name, (permanent, bonus, _, _, expected) in PAYMENTS.items():
        assert frozen(company, batch_ids[name]) == expected, name
        left = (permanent - expected.get("permanent", 0), bonus - expected.get("bonus", 0))
        assert company.wallet(customers[name]) == left, name


def test_bonus_expiry_may_be_beyond_all_calendars(company: Company) -> None:
    """An expiry that Python cannot hold is far in the future, or long past, and no reason to stop."""
    buckets = {"infinity": "bonus", "20000-01-01": "bonus", "-infinity": "permanent", "2000-01-01 BC": "permanent"}
    batch_ids: dict[str, UUID] = {}
    for expires_at in buckets:
        customer = company.customer(permanent=10, bonus=10)
        company.sql("update credit_wallet set bonus_expires_at = %s where user_id = %s", expires_at, customer)
        batch_ids[expires_at] = company.enqueue(customer, 1)

    claim(company.world)

    for expires_at, bucket in buckets.items():
        assert frozen(company, batch_ids[expires_at]) == {bucket: 10}, expires_at


def test_batches_of_one_customer_are_frozen_oldest_first(company: Company) -> None:
    """In one group each batch sees what older ones left: what is too dear is refused, and a cheaper one still fits."""
    customer = company.customer(permanent=20, bonus=15)
    first, dear, last = (company.enqueue(customer, count) for count in (2, 2, 1))

    claims = claim(company.world)

    assert frozen(company, first) == {"bonus": 15, "permanent": 5}
    assert company.batch(dear).last_error == "INSUFFICIENT_CREDITS"
    assert frozen(company, last) == {"permanent": 10}
    assert company.wallet(customer) == (5, 0)
    assert claims.refusals == {Refusal.INSUFFICIENT_CREDITS: 1}


@pytest.mark.parametrize("has_wallet", [True, False])
def test_free_batch_needs_no_credits(company: Company, *, has_wallet: bool) -> None:
    """Price 0 is valid, with an empty wallet and without any."""
    customer = company.customer() if has_wallet else uuid4()
    batch_id = company.enqueue(customer, 2, cost=0)

    claim(company.world)

    assert frozen(company, batch_id) == {}


def refused(company: Company, batch_id: UUID, reason: Refusal, task_count: int) -> None:
    """Assert that a batch ended as a refused one does (contract §2), its tasks and its webhook included."""
    batch = company.batch(batch_id)
    assert (batch.status, batch.last_error, batch.settlement_status) == ("failed", reason, "pending")
    assert (batch.frozen_credits, batch.credits_spent, batch.success_count) == (0, 0, 0)
    assert batch.failed_count == task_count
    assert batch.completed_at == company.clock.now
    assert batch.webhook_status == "sent"
    assert company.ledger(batch_id) == []
    tasks = company.tasks(batch_id)
    assert len(tasks) == task_count
    for task in tasks:
        assert (task.status, task.failure_type, task.error_message) == ("failed", "unknown", reason)
        assert (task.completed_at, task.attempts) == (company.clock.now, 0)
    told = [entry for entry in company.receiver.journal.entries if str(batch_id).encode() in entry.body]
    assert len(told) == 1
    assert b'"batch.failed"' in told[0].body
    assert f'"reason":"{reason}"'.encode() in told[0].body.replace(b": ", b":")


SHORT: dict[str, tuple[int, int, float | None, str]] = {
    "one short": (29, 0, 1, "sora-2"),
    "empty": (0, 0, 1, "sora-2"),
    "one short over both buckets": (19, 10, 1, "sora-2"),
    "expired bonus": (29, 1000, -1, "sora-2"),
    "bonus without expiry": (29, 1000, None, "sora-2"),
    "bonus that may not be used": (29, 1000, 1, "veo-pro"),
}


def test_too_few_credits_end_the_batch(company: Company) -> None:
    """One credit short: nothing is frozen or sent, the customer hears of it, and the wallet is as it was."""
    company.limit(max_claim=99)
    customers = {name: company.customer(*wallet[:3]) for name, wallet in SHORT.items()}
    batch_ids = {name: company.enqueue(customers[name], 3, models=[model] * 3) for name, (*_, model) in SHORT.items()}

    dispatched = company.run_pass().dispatch

    for name, (permanent, bonus, _, _) in SHORT.items():
        refused(company, batch_ids[name], Refusal.INSUFFICIENT_CREDITS, 3)
        assert company.wallet(customers[name]) == (permanent, bonus), name
    assert (dispatched.claimed, dispatched.frozen, dispatched.freeze_failed) == (len(SHORT), 0, len(SHORT))
    assert (dispatched.refusals, dispatched.findings) == ({"INSUFFICIENT_CREDITS": len(SHORT)}, ())
    assert company.provider.journal.submissions == ()


def test_no_wallet_ends_the_batch(company: Company) -> None:
    """A customer without a wallet gets nothing sent, and is told why."""
    batch_id = company.enqueue(uuid4(), 2)
    company.run_pass()
    refused(company, batch_id, Refusal.WALLET_NOT_FOUND, 2)


def test_impossible_numbers_end_the_batch(company: Company) -> None:
    """A count that is not positive, or a price that is missing or negative, is refused at once."""
    customer = company.customer(permanent=100)
    numbers = [(0, 10), (-2, 10), (None, 10), (2, None), (2, -1), (0, None), (None, None)]
    batch_ids = [company.enqueue(customer, 2, total=total, cost=cost) for total, cost in numbers]
    report = company.run_pass()
    for batch_id in batch_ids:
        refused(company, batch_id, Refusal.INVALID_BATCH, 2)
    assert (report.dispatch.claimed, report.dispatch.freeze_failed) == (len(numbers), len(numbers))


def test_too_many_tasks_end_the_batch_at_once(company: Company) -> None:
    """More tasks than were promised cannot become right by waiting."""
    batch_id = company.enqueue(company.customer(permanent=100), 3, total=2)
    company.run_pass()
    refused(company, batch_id, Refusal.TASK_COUNT_MISMATCH, 3)


@pytest.mark.parametrize(("created_s", "enqueued_s"), [(0, -86400), (-86400, 0), (0, None)])
def test_missing_tasks_are_awaited(company: Company, created_s: float, enqueued_s: float | None) -> None:
    """Missing tasks are awaited for 600 s from the later of created_at and enqueued_at, then the batch is refused."""
    batch_id = company.enqueue(company.customer(permanent=100), 2, total=3)
    start = company.clock.now
    created_at = start + timedelta(seconds=created_s)
    enqueued_at = None if enqueued_s is None else start + timedelta(seconds=enqueued_s)
    company.sql("update batch_jobs set created_at = %s, enqueued_at = %s", created_at, enqueued_at)
    for age_s in (0, 300, 599.9):
        company.clock.now = start + timedelta(seconds=age_s)
        assert company.run_pass().dispatch.claimed == 0
        assert company.batch(batch_id).status == "queued"
    company.clock.now = start + timedelta(seconds=600)
    company.run_pass()
    refused(company, batch_id, Refusal.TASK_COUNT_MISMATCH, 2)


def test_late_tasks_complete_a_batch(company: Company) -> None:
    """A batch whose tasks arrive one by one is claimed when the last one is there, and not before."""
    customer = company.customer(permanent=100)
    batch_id = company.enqueue(customer, 0, total=2)
    company.run_pass()
    company.add_tasks(batch_id, customer, ["first"])
    company.run_pass()
    assert company.batch(batch_id).status == "queued"
    company.clock.advance(500)
    company.add_tasks(batch_id, customer, ["second"], first=1)
    company.run_pass()
    assert frozen(company, batch_id) == {"permanent": 20}


def test_claimed_batch_takes_no_more_tasks(company: Company) -> None:
    """The database itself refuses tasks that nothing was frozen for."""
    customer = company.customer(permanent=100)
    batch_id = company.enqueue(customer, 1)
    claim(company.world)
    with pytest.raises(psycopg.IntegrityError, match="takes no more tasks"):
        company.add_tasks(batch_id, customer, ["one more"], first=1)


def test_incomplete_batches_use_no_slot(company: Company) -> None:
    """Batches that still miss tasks are passed over, however old, and the claim takes as many as it may."""
    customer = company.customer(permanent=1000)
    incomplete = [company.enqueue(customer, 1, total=2) for _ in range(6)]
    complete = [company.enqueue(customer, 1) for _ in range(7)]
    company.limit(max_claim=5)

    assert claim(company.world).frozen == 5
    assert [company.batch(batch_id).status for batch_id in complete] == ["processing"] * 5 + ["queued"] * 2
    assert claim(company.world).frozen == 2
    assert claim(company.world).frozen == 0
    assert {company.batch(batch_id).status for batch_id in incomplete} == {"queued"}


def test_refused_batches_use_their_slots(company: Company) -> None:
    """A pass looks at max_claim complete batches, whether their credits suffice or not."""
    poor = company.customer(permanent=5)
    for _ in range(4):
        company.enqueue(poor, 1)
    company.limit(max_claim=3)
    claims = claim(company.world)
    assert (claims.frozen, claims.refusals) == (0, {Refusal.INSUFFICIENT_CREDITS: 3})


def test_customers_take_turns(company: Company) -> None:
    """A customer with 50 queued batches and ten with several each do not keep a newcomer waiting for a pass."""
    crowd = company.customer(permanent=1000)
    for _ in range(50):
        company.enqueue(crowd, 1)
    heavy = [company.customer(permanent=100) for _ in range(10)]
    for customer in heavy * 3:
        company.enqueue(customer, 1)
    company.limit(max_claim=11)
    claim(company.world)

    def under_way() -> Counter[UUID]:
        return Counter(row.user_id for row in company.sql("select user_id from batch_jobs where status = 'processing'"))

    assert under_way() == dict.fromkeys([crowd, *heavy], 1)
    newcomer = company.customer(permanent=100)
    company.enqueue(newcomer, 1)
    company.limit(max_claim=1)
    claim(company.world)
    assert under_way()[newcomer] == 1
    company.limit(max_claim=22)
    claim(company.world)
    assert under_way() == {newcomer: 1, crowd: 3} | dict.fromkeys(heavy, 3)


def test_oldest_batch_goes_first(company: Company) -> None:
    """Between customers alike, and within a customer, age decides."""
    customers = [company.customer(permanent=100) for _ in range(3)]
    batches = [company.enqueue(customer, 1) for customer in [*customers, *customers]]
    company.limit(max_claim=1)
    for place in range(6):
        assert claim(company.world).frozen == 1
        assert [company.batch(batch_id).status for batch_id in batches].count("processing") == place + 1
        assert company.batch(batches[place]).status == "processing"


def test_batch_that_the_database_rejects_stops_nobody(company: Company) -> None:
    """A batch that breaks a rule of the database goes on hold with the reason; all others of the group are claimed."""
    customer = company.customer(permanent=100)
    before, poisoned, after = (company.enqueue(customer, 1, webhook=hook) for hook in ("/a", "/poison", "/b"))
    company.sql(
        "alter table batch_jobs add constraint no_poison"
        " check (webhook_url not like '%%poison' or status <> 'processing')"
    )

    report = company.run_pass()

    for batch_id in (before, after):
        assert frozen(company, batch_id) == {"permanent": 10}
    row = company.batch(poisoned)
    assert (row.status, row.frozen_credits) == ("queued", 0)
    assert "no_poison" in row.hold_reason
    (finding,) = report.dispatch.findings
    assert (str(poisoned) in finding.message, finding.exit_code) == (True, 1)
    assert (report.dispatch.claimed, report.dispatch.frozen, company.wallet(customer)) == (2, 2, (80, 0))
    assert company.run_pass().dispatch.findings == ()


def test_database_trouble_is_no_refusal(company: Company) -> None:
    """An error of the database rolls the claim back: the batch stays queued with all credits where they were."""
    customer = company.customer(permanent=100)
    batch_id = company.enqueue(customer, 1)
    company.sql(
        "create function full_disk() returns trigger language plpgsql as"
        " $$ begin raise exception using errcode = 'disk_full', message = 'no space left'; end $$"
    )
    company.sql("create trigger full_disk before insert on credit_ledger for each row execute function full_disk()")
    with pytest.raises(Problem, match="no space left"):
        claim(company.world)
    batch = company.batch(batch_id)
    assert (batch.status, batch.frozen_credits, batch.hold_reason) == ("queued", 0, None)
    assert company.wallet(customer) == (100, 0)

    company.sql("drop trigger full_disk on credit_ledger")
    assert claim(company.world).frozen == 1


def test_missing_numbers_count_as_zero(company: Company) -> None:
    """Where an adopted wallet or task holds no number at all, it counts as zero and stops nobody."""
    for table, column in (
        ("credit_wallet", "permanent_credits"),
        ("credit_wallet", "bonus_credits"),
        ("video_tasks", "attempts"),
    ):
        company.sql(f"alter table {table} alter {column} drop not null")
    poor, rich = company.customer(), company.customer(permanent=10)
    company.sql("update credit_wallet set permanent_credits = null, bonus_credits = null where user_id = %s", poor)
    refused, done = company.enqueue(poor, 1), company.enqueue(rich, 1)
    company.sql("update video_tasks set attempts = null")

    company.run_until_quiet()

    assert company.batch(refused).last_error == "INSUFFICIENT_CREDITS"
    assert company.batch(done).status == "completed"
