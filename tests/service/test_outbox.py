"""Events for customers who want to hear of them, and for no others."""

import pytest

from tests.scenario import Company


@pytest.mark.parametrize("url", [None, ""])
@pytest.mark.parametrize("amount", [10, 0])
def test_batch_without_an_address_has_no_event(company: Company, url: str | None, amount: int) -> None:
    """Without a webhook address, refused or settled, there is no delivery row and no webhook status (contract §2)."""
    batch_id = company.enqueue(company.customer(permanent=amount), 1, webhook=None)
    company.sql("update batch_jobs set webhook_url = %s where id = %s", url, batch_id)

    company.run_until_quiet()

    assert company.batch(batch_id).status == ("completed" if amount else "failed")
    assert company.batch(batch_id).webhook_status is None
    assert company.sql("select id from webhook_deliveries") == []
