"""Settlement: what succeeded is charged, the rest goes back, each batch once and on its own (contract §2)."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from batchctl.domain.report import SettleReport
from batchctl.service.dispatch import dispatch
from batchctl.service.poll import poll
from batchctl.service.settle import settle
from batchctl.service.world import start_pass
from tests.scenario import Company

OK = "fine"
BAD = "bad [sim: fail=error]"
OPEN = "open [sim: never]"
BIGINT_MAX = 2**63 - 1


def finish(company: Company) -> None:
    """Have everything that is queued sent and asked for, and nothing settled."""
    company.limit(max_claim=100, max_start_per_batch=100, max_poll=1000)
    company.clock.advance(0.001)
    dispatch(company.world, start_pass(company.world, None))
    company.clock.advance(5)
    poll(company.world, start_pass(company.world, None))


def finished(company: Company, user_id: UUID, prompts: Sequence[str], **batch: Any) -> UUID:
    """Enqueue a batch and bring it to where every task is finished."""
    batch_id = company.enqueue(user_id, prompts, **batch)
    finish(company)
    return batch_id


def told(company: Company, batch_id: UUID) -> Any:
    """Return what the event for the customer says."""
    (delivery,) = company.deliveries(batch_id)
    return json.loads(delivery.body)


@pytest.mark.parametrize(
    ("prompts", "status", "label", "spent"),
    [
        ([OK, OK, OK], "completed", "finalized", 30),
        ([OK, BAD, OK], "partial", "refunded", 20),
        ([BAD, BAD, BAD], "failed", "refunded", 0),
    ],
)
def test_success_is_charged_and_the_rest_goes_back(
    company: Company, prompts: list[str], status: str, label: str, spent: int
) -> None:
    """All, some or none: label, counts, money, event and end of the batch agree, in one transaction (contract §2)."""
    customer = company.customer(permanent=100)
    batch_id = finished(company, customer, prompts)
    assert company.wallet(customer) == (70, 0)

    assert settle(company.world) == SettleReport(settled=1, credits_spent=spent, credits_refunded=30 - spent)

    batch = company.batch(batch_id)
    assert (batch.status, batch.settlement_status, batch.credits_spent) == (status, label, spent)
    assert (batch.success_count, batch.failed_count) == (spent // 10, 3 - spent // 10)
    assert (batch.completed_at, batch.webhook_status) == (company.clock.now, "pending")
    assert company.wallet(customer) == (100 - spent, 0)
    refunds = [("batch_refund", "permanent", 30 - spent)] if spent < 30 else []
    assert company.ledger(batch_id) == [("batch_upfront", "permanent", -30), *refunds]
    event = told(company, batch_id)
    assert (event["type"], event["credits_spent"], event["credits_refunded"]) == (f"batch.{status}", spent, 30 - spent)
    assert event["timestamp"] == int(company.clock.now.timestamp() * 1000)


def test_free_batch_moves_no_money(company: Company) -> None:
    """A price of 0 is settled like any other, without a wallet and without a row in the ledger."""
    stranger = uuid4()
    batch_id = finished(company, stranger, [OK, BAD], cost=0)
    assert settle(company.world) == SettleReport(settled=1)
    batch = company.batch(batch_id)
    assert (batch.status, batch.settlement_status, company.ledger(batch_id)) == ("partial", "finalized", [])


def test_batch_without_webhook_tells_nobody(company: Company) -> None:
    """No address, no event, no webhook_status (contract §2)."""
    batch_id = finished(company, company.customer(permanent=10), [OK], webhook=None)
    assert settle(company.world).settled == 1
    assert (company.batch(batch_id).webhook_status, company.deliveries(batch_id)) == (None, [])


@pytest.mark.parametrize(
    ("failures", "back"),
    [
        (1, [("batch_refund", "permanent", 10)]),
        (3, [("batch_refund", "permanent", 30)]),
        (4, [("batch_refund", "permanent", 35), ("batch_refund", "bonus", 5)]),
        (5, [("batch_refund", "permanent", 35), ("batch_refund", "bonus", 15)]),
    ],
)
def test_refund_goes_to_where_it_came_from(company: Company, failures: int, back: list[tuple[str, str, int]]) -> None:
    """Of 15 bonus and 35 permanent credits, the permanent part comes back first."""
    customer = company.customer(permanent=100, bonus=15)
    batch_id = finished(company, customer, [BAD] * failures + [OK] * (5 - failures))
    assert company.wallet(customer) == (65, 0)
    settle(company.world)
    taken = [("batch_upfront", "bonus", -15), ("batch_upfront", "permanent", -35)]
    assert company.ledger(batch_id) == [*taken, *back]
    by_bucket = {bucket: credits_back for _, bucket, credits_back in back}
    assert company.wallet(customer) == (65 + by_bucket["permanent"], by_bucket.get("bonus", 0))


@pytest.mark.parametrize(
    ("permanent", "failures", "back", "expired"), [(35, 5, 50, 15), (35, 4, 40, 5), (35, 2, 20, None), (0, 1, 10, 10)]
)
def test_bonus_that_expired_comes_back_as_permanent(
    company: Company, permanent: int, failures: int, back: int, expired: int | None
) -> None:
    """The failure was ours: what expired meanwhile is given as permanent credits, and the row says how much."""
    bonus = 15 if permanent else 10
    customer = company.customer(permanent=permanent, bonus=bonus, bonus_days=1)
    prompts = [BAD] * failures + [OK] * ((permanent + bonus) // 10 - failures)
    batch_id = finished(company, customer, prompts)
    company.clock.advance(86_400)
    settle(company.world)
    assert company.wallet(customer) == (back, 0)
    (refund,) = company.sql(
        "select bucket, credits_delta, meta, balance_after from credit_ledger"
        " where ref_id = %s and ref_type = 'batch_refund'",
        str(batch_id),
    )
    assert (refund.bucket, refund.credits_delta, refund.balance_after) == ("permanent", back, back)
    assert refund.meta.get("expired_bonus") == expired


def test_batches_of_one_customer_form_one_chain_of_balances(company: Company) -> None:
    """Settled in one group, each row of the ledger still goes on from the balance before it."""
    customer, other = company.customer(permanent=1000), company.customer(permanent=50)
    batch_ids = [company.enqueue(customer, [OK, *[BAD] * number]) for number in range(1, 5)]
    company.enqueue(other, [BAD])
    finish(company)
    balance = company.wallet(customer)[0]

    assert settle(company.world) == SettleReport(settled=5, credits_spent=40, credits_refunded=110)

    rows = company.sql(
        "select credits_delta, balance_after from credit_ledger where user_id = %s and ref_type = 'batch_refund'"
        " order by id",
        customer,
    )
    for row in rows:
        balance += row.credits_delta
        assert row.balance_after == balance
    assert company.wallet(customer) == (balance, 0) == (960, 0)
    assert sorted(row.credits_delta for row in rows) == [10, 20, 30, 40]
    assert {company.batch(batch_id).settlement_status for batch_id in batch_ids} == {"refunded"}
    assert company.wallet(other) == (50, 0)


def test_second_run_changes_nothing(company: Company) -> None:
    """What is settled is settled: no row of batch, wallet, ledger or outbox gets a new version."""
    finished(company, company.customer(permanent=30), [OK, BAD, BAD])
    settle(company.world)
    versions = (
        "select b::text, xmin::text from batch_jobs as b union all select w::text, xmin::text from credit_wallet as w"
        " union all select l::text, xmin::text from credit_ledger as l"
        " union all select d::text, xmin::text from webhook_deliveries as d order by 1"
    )
    before = company.sql(versions)
    assert settle(company.world) == SettleReport()
    assert company.sql(versions) == before


def test_second_refund_is_refused_by_the_database(company: Company) -> None:
    """One refund for each batch and bucket, whoever writes it; and the rows that are there stay as they are."""
    customer = company.customer(permanent=10)
    batch_id = finished(company, customer, [BAD])
    settle(company.world)
    with pytest.raises(psycopg.errors.UniqueViolation):
        company.sql(
            "insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id, meta)"
            " values (%s, 'refund', 10, 'batch_refund', %s, '{\"refund_to\": \"permanent\"}')",
            customer,
            str(batch_id),
        )
    for change in ("update credit_ledger set credits_delta = 20", "delete from credit_ledger"):
        with pytest.raises(psycopg.errors.IntegrityError, match="never changed or deleted"):
            company.sql(change)


def test_missing_wallet_holds_one_batch_and_no_other(company: Company) -> None:
    """A refund without a wallet waits, named with its reason, while the rest of the group settles; then it is made."""
    poor, rich = company.customer(permanent=10), company.customer(permanent=10)
    held_id, settled_id = company.enqueue(poor, [BAD]), company.enqueue(rich, [BAD])
    finish(company)
    company.sql("delete from credit_wallet where user_id = %s", poor)

    report = settle(company.world)

    assert (report.settled, report.credits_refunded) == (1, 10)
    (finding,) = report.findings
    assert finding.exit_code == 1
    assert finding.message.startswith(f"batch {held_id} is on hold: WALLET_NOT_FOUND")
    assert (company.batch(held_id).status, company.batch(settled_id).status) == ("processing", "failed")
    assert company.deliveries(held_id) == []
    assert settle(company.world) == SettleReport()

    company.sql("insert into credit_wallet (user_id) values (%s)", poor)
    company.sql("update batch_jobs set hold_reason = null where id = %s", held_id)
    assert settle(company.world).credits_refunded == 10
    assert company.wallet(poor) == (10, 0)


def test_charged_batch_needs_no_wallet(company: Company) -> None:
    """Where nothing goes back, a wallet that is gone stops nothing."""
    customer = company.customer(permanent=10)
    batch_id = finished(company, customer, [OK])
    company.sql("delete from credit_wallet where user_id = %s", customer)
    assert settle(company.world) == SettleReport(settled=1, credits_spent=10)
    assert company.batch(batch_id).settlement_status == "finalized"
    company.sql("insert into credit_wallet (user_id) values (%s)", customer)


def test_overflow_holds_one_batch_and_no_other(company: Company) -> None:
    """A balance that has no room for the refund puts its batch on hold; the group is settled row by row."""
    full, others = company.customer(permanent=10), [company.customer(permanent=10) for _ in range(3)]
    settled_ids = [company.enqueue(others[0], [BAD])]
    held_id = company.enqueue(full, [BAD])
    settled_ids += [company.enqueue(other, [BAD]) for other in others[1:]]
    finish(company)
    top_up = "insert into credit_ledger (user_id, type, credits_delta) values (%s, 'purchase', %s)"
    company.sql(top_up, full, BIGINT_MAX)
    company.sql("update credit_wallet set permanent_credits = %s where user_id = %s", BIGINT_MAX, full)

    report = settle(company.world)

    assert (report.settled, report.credits_refunded) == (3, 30)
    (finding,) = report.findings
    assert str(held_id) in finding.message
    assert "out of range" in finding.message
    assert {company.batch(batch_id).settlement_status for batch_id in settled_ids} == {"refunded"}
    held = company.batch(held_id)
    assert (held.status, held.settlement_status, held.credits_spent) == ("processing", "pending", 0)
    assert company.ledger(held_id) == [("batch_upfront", "permanent", -10)]


def test_more_than_was_frozen_is_never_charged(company: Company) -> None:
    """Books that do not add up go on hold as they are; and no statement at all can charge more than is frozen."""
    batch_id = finished(company, company.customer(permanent=20), [OK, OK])
    with pytest.raises(psycopg.errors.CheckViolation):
        company.sql("update batch_jobs set settlement_status = 'finalized', credits_spent = 21")
    with pytest.raises(psycopg.errors.CheckViolation):
        company.sql("update batch_jobs set settlement_status = 'finalized', credits_spent = -1")
    company.sql("update batch_jobs set frozen_credits = 15")

    report = settle(company.world)

    assert report.settled == 0
    (finding,) = report.findings
    assert finding.message == f"batch {batch_id} is on hold: 20 credits to charge, 15 frozen, 0 of them bonus"
    company.sql("update batch_jobs set frozen_credits = 20")


@pytest.mark.parametrize("webhook", ["http://127.0.0.1:9/nobody", "ftp://nonsense", "http://", "x" * 5000])
def test_settlement_does_not_depend_on_the_webhook(company: Company, webhook: str) -> None:
    """Whatever stands in webhook_url, the money moves in the pass that finds the batch finished."""
    company.limit(webhook_quick_retries=0)
    customer = company.customer(permanent=20)
    batch_id = company.enqueue(customer, [OK, BAD])
    company.sql("update batch_jobs set webhook_url = %s", webhook)
    finish(company)
    report = company.run_pass()
    assert (report.settle.settled, report.webhook.retrying, report.findings) == (1, 1, ())
    assert (company.batch(batch_id).settlement_status, company.wallet(customer)) == ("refunded", (10, 0))


def test_oldest_ready_batches_come_first(company: Company) -> None:
    """At most so many a pass, by age; batches that are not ready hold up none of the ready ones (mission)."""
    customer = company.customer(permanent=10_000)
    for _ in range(12):
        company.enqueue(customer, [OK, OPEN])
    ready = [company.enqueue(customer, [OK]) for _ in range(5)]
    for age, batch_id in enumerate(ready):
        created_at = company.clock.now - timedelta(hours=[3, 1, 5, 2, 4][age])
        company.sql("update batch_jobs set created_at = %s where id = %s", created_at, batch_id)
    finish(company)
    company.limit(max_settle=2)

    settled: list[set[UUID]] = []
    for _ in range(3):
        company.clock.advance(1)
        settle(company.world)
        rows = company.sql("select id from batch_jobs where completed_at = %s", company.clock.now)
        settled.append({row.id for row in rows})

    assert settled == [{ready[2], ready[4]}, {ready[0], ready[3]}, {ready[1]}]
    assert settle(company.world) == SettleReport()
