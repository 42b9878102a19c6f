"""A pass from end to end: what a customer enqueues is sent, polled, settled and told."""

from tests.scenario import Company


def test_batch_goes_from_queued_to_told(company: Company) -> None:
    """A mixed batch ends partial: successes are charged, the rest is refunded, the customer is told once."""
    customer = company.customer(permanent=100)
    batch_id = company.enqueue(customer, ["a [sim: polls=2]", "b [sim: fail=output_moderation]", "c [sim: polls=3]"])

    company.run_until_quiet()

    batch = company.batch(batch_id)
    assert (batch.status, batch.settlement_status, batch.webhook_status) == ("partial", "refunded", "sent")
    assert (batch.success_count, batch.failed_count, batch.credits_spent, batch.frozen_credits) == (2, 1, 20, 30)
    assert company.wallet(customer) == (80, 0)
    assert company.ledger(batch_id) == [("batch_upfront", "permanent", -30), ("batch_refund", "permanent", 10)]
    assert len(company.receiver.journal.delivered()) == 1


def test_thousand_tasks_finish_within_the_cap(company: Company) -> None:
    """A batch far larger than the cap finishes, with never more than the cap of it in flight."""
    customer = company.customer(permanent=1000)
    batch_id = company.enqueue(customer, 1000, cost=1)
    company.limit(max_poll=1000, max_start_per_batch=100)

    company.run_until_quiet()

    assert company.batch(batch_id).status == "completed"
    assert company.provider.journal.max_open_tasks == 100
    assert set(company.provider.journal.accepted_per_prompt().values()) == {1}


def test_legacy_queued_task_is_sent(company: Company) -> None:
    """A task that the original application wrote as `queued` means pending: it is sent like any other (contract §1)."""
    batch_id = company.enqueue(company.customer(permanent=20), 2)
    company.sql("update video_tasks set status = 'queued' where batch_index = 0")

    company.run_until_quiet()

    assert company.batch(batch_id).status == "completed"
    assert company.provider.journal.accepted_per_prompt() == {"clip 0": 1, "clip 1": 1}
