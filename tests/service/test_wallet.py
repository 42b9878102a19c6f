"""Wallets for operators: grants that the ledger explains, and a page that says whether it does."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.domain.credit import MOST_CREDITS, Bucket
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.domain.wallet_page import GrantReport
from batchctl.service import wallet
from batchctl.statement import LATEST
from tests.scenario import Company

DAY = timedelta(days=1)


def grant(company: Company, user_id: UUID, amount: int, *, days: float | None = None, **options: Any) -> GrantReport:
    """Grant credits at this scenario's company, bonus ones with `days`."""
    until = None if days is None else company.clock.now + timedelta(days=days)
    options = {"reason": "ticket 4711", "operator": "ops@desk"} | options
    return wallet.grant(company.world, user_id, amount, bonus_expires_at=until, **options)


def ledger(company: Company, user_id: UUID) -> list[tuple[Any, ...]]:
    """Return what the ledger says of a customer's grants."""
    rows = company.sql(
        "select type, bucket, credits_delta, balance_after, ref_type, ref_id from credit_ledger"
        " where user_id = %s order by id",
        user_id,
    )
    return [tuple(row) for row in rows]


def test_first_grant_makes_the_wallet(company: Company) -> None:
    """A customer without a wallet gets one, and the ledger says how much, when, by whom and why."""
    user = uuid4()

    report = grant(company, user, 100)

    assert company.wallet(user) == (100, 0)
    assert ledger(company, user) == [("purchase", "permanent", 100, 100, "wallet_grant", None)]
    (row,) = company.sql("select meta, created_at from credit_ledger")
    assert (row.meta, row.created_at) == ({"reason": "ticket 4711", "operator": "ops@desk"}, company.clock.now)
    assert (report.bucket, report.available_credits, report.already_granted) == (Bucket.PERMANENT, 100, False)


def test_granted_credits_pay(company: Company) -> None:
    """Credits that were granted, of both kinds, are frozen and given back as any others."""
    user = uuid4()
    grant(company, user, 10)
    grant(company, user, 10, days=1)
    batch = company.enqueue(user, ["a", "b [sim: fail=error]"])

    company.run_until_quiet()

    assert company.ledger(batch) == [
        ("batch_upfront", "bonus", -10),
        ("batch_upfront", "permanent", -10),
        ("batch_refund", "permanent", 10),
    ]


def test_expired_bonus_is_written_off_and_does_not_revive(company: Company) -> None:
    """New bonus credits do not bring expired ones back; the books say where those went."""
    user = company.customer(permanent=5, bonus=30, bonus_days=1)
    company.clock.advance(2 * 86_400)

    report = grant(company, user, 10, days=7, request_id="r-1")

    assert company.wallet(user) == (5, 10)
    assert (report.written_off, report.available_credits) == (30, 15)
    assert ledger(company, user)[2:] == [
        ("adjust", "bonus", -30, 0, "bonus_expired", "r-1"),
        ("bonus_grant", "bonus", 10, 10, "wallet_grant", "r-1"),
    ]


def test_bonus_without_an_expiry_is_not_destroyed(company: Company) -> None:
    """Bonus credits that nobody gave an expiry stay, get that of the new ones, and the ledger says so."""
    user = company.customer(bonus=30, bonus_days=None)

    report = grant(company, user, 10, days=7)

    assert (report.written_off, report.made_valid, report.available_credits) == (0, 30, 40)
    assert company.wallet(user) == (0, 40)
    (row,) = company.sql(
        "select meta ->> 'made_valid' as n, balance_after from credit_ledger where ref_type is not null"
    )
    assert tuple(row) == ("30", 40)


def test_rehearsed_grant_writes_nothing(company: Company) -> None:
    """A rehearsal says what the wallet would hold, also where there is none yet, and refuses what would be refused."""
    user, new = company.customer(permanent=5), uuid4()

    assert grant(company, user, 10, dry_run=True).permanent_credits == 15
    assert grant(company, new, 10, days=1, dry_run=True).available_credits == 10
    with pytest.raises(Problem, match="cannot hold"):
        grant(company, user, MOST_CREDITS, dry_run=True)
    grant(company, user, 10, request_id="r-1")
    assert grant(company, user, 10, request_id="r-1", dry_run=True).already_granted
    with pytest.raises(Problem, match="stands for a grant of 10"):
        grant(company, user, 11, request_id="r-1", dry_run=True)

    assert company.wallet(user) == (15, 0)
    assert [row.user_id for row in company.sql("select user_id from credit_wallet")] == [user]


def test_later_expiry_holds_for_all_bonus_credits(company: Company) -> None:
    """Valid bonus credits live on, and never less long than was promised."""
    user = company.customer(bonus=30, bonus_days=5)

    shorter = grant(company, user, 10, days=1)
    longer = grant(company, user, 10, days=9)

    assert shorter.bonus_expires_at == company.clock.now + 5 * DAY
    assert longer.bonus_expires_at == company.clock.now + 9 * DAY
    (row,) = company.sql("select bonus_credits, bonus_expires_at from credit_wallet")
    assert tuple(row) == (50, company.clock.now + 9 * DAY)


def test_permanent_grant_leaves_the_expiry_alone(company: Company) -> None:
    """A purchase changes nothing about bonus credits, even about those with no end."""
    user = company.customer(bonus=30)
    company.sql("update credit_wallet set bonus_expires_at = 'infinity'")

    grant(company, user, 10)

    (row,) = company.sql("select bonus_expires_at = 'infinity' as endless from credit_wallet")
    assert row.endless


def test_request_id_grants_once(company: Company) -> None:
    """A repeated request id grants nothing more, also when the bonus of the first one has expired since."""
    user, other = uuid4(), uuid4()
    first = grant(company, user, 10, days=1, request_id="r-1")
    again = grant(company, user, 10, days=3, request_id="r-1")
    company.clock.advance(2 * 86_400)
    late = grant(company, user, 10, days=3, request_id="r-1")
    others = grant(company, other, 10, request_id="r-1")

    assert [one.already_granted for one in (first, again, late, others)] == [False, True, True, False]
    assert company.wallet(user) == (0, 10)
    assert (late.bonus_credits, late.available_credits, late.written_off) == (10, 0, 0)


def test_request_id_of_another_grant_is_refused(company: Company) -> None:
    """A request id that comes with another amount, bucket or reason is a mistake, and grants nothing."""
    user = uuid4()
    grant(company, user, 10, request_id="r-1")

    with pytest.raises(Problem, match="stands for a grant of 10 permanent credits, not of 11 permanent ones"):
        grant(company, user, 11, request_id="r-1")
    with pytest.raises(Problem, match="not of 10 bonus ones: nothing was granted"):
        grant(company, user, 10, days=1, request_id="r-1")
    with pytest.raises(Problem, match=r"a grant with another reason \('.*'\): nothing was granted"):
        grant(company, user, 10, reason="another ticket", request_id="r-1")

    assert company.wallet(user) == (10, 0)


def test_database_grants_once(company: Company) -> None:
    """Whatever programs do, the ledger holds one grant for each request id of a customer."""
    user = uuid4()
    grant(company, user, 10, request_id="r-1")

    with pytest.raises(Exception, match="credit_ledger_grant_once"):
        company.sql(
            "insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id)"
            " values (%s, 'purchase', 10, 'wallet_grant', 'r-1')",
            user,
        )


def test_grants_that_cannot_be_are_refused(company: Company) -> None:
    """Nothing, too much, no reason, a past expiry: each is refused before anything is written."""
    user = uuid4()
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"amount": 0}, "from 1 to"),
        ({"amount": -5}, "from 1 to"),
        ({"amount": 2**63}, "from 1 to"),
        ({"reason": " "}, "--reason must be text"),
        ({"reason": "x" * 501}, "--reason must be text"),
        ({"reason": "a\ud800"}, "--reason must be text"),
        ({"request_id": ""}, "--request-id must be text"),
        ({"days": 0}, "--expires must lie in the future"),
    ]
    for changed, said in refusals:
        with pytest.raises(UsageProblem, match=said):
            grant(company, user, **({"amount": 1} | changed))

    assert company.sql("select user_id from credit_wallet") == []


def test_full_wallet_is_told(company: Company) -> None:
    """What no column can hold is refused, and so is what this database's column cannot."""
    user = uuid4()
    grant(company, user, MOST_CREDITS)
    with pytest.raises(Problem, match="cannot hold 1 more: nothing was granted"):
        grant(company, user, 1, days=1)

    company.sql("alter table credit_wallet add constraint small check (permanent_credits < 100) not valid")
    with pytest.raises(Problem, match=r'the database refused the grant, and nothing was written: .*"small"'):
        grant(company, uuid4(), 100)

    assert company.wallet(user) == (MOST_CREDITS, 0)


def test_page_says_what_is_where(company: Company) -> None:
    """Permanent, bonus, frozen and the ledger stand beside each other, and agree."""
    user = company.customer(permanent=100, bonus=30, bonus_days=1)
    company.clock.advance(60)
    company.enqueue(user, ["a [sim: never]"] * 5)
    company.run_pass()
    held = company.enqueue(user, 2)
    company.run_pass()
    company.sql("update batch_jobs set hold_reason = 'stuck' where id = %s", held)
    ended = company.enqueue(user, 1)
    company.run_pass()
    company.clock.advance(6)
    company.run_pass()

    shown = wallet.page(company.world, user)

    assert company.batch(ended).status == "completed"
    assert (shown.balance.permanent_credits, shown.balance.bonus_credits) == (50, 0)
    assert (shown.open_batches.batch_count, shown.open_batches.frozen_credits) == (2, 70)
    assert (shown.available_credits, shown.balance.ledger_credits, shown.difference_credits) == (50, 50, 0)
    assert [(line.type, line.credits_delta, line.balance_after) for line in shown.ledger[:2]] == [
        ("spend", -10, 50),
        ("spend", -20, 60),
    ]
    assert shown.ledger[0].ref_id == str(ended)


def test_expired_bonus_is_there_and_not_available(company: Company) -> None:
    """Expired bonus credits are shown, and not counted as available; the ledger still has them."""
    user = company.customer(permanent=5, bonus=30, bonus_days=1)
    company.clock.advance(2 * 86_400)

    shown = wallet.page(company.world, user)

    assert (shown.bonus_is_valid, shown.available_credits, shown.difference_credits) == (False, 5, 0)


def test_difference_is_shown(company: Company) -> None:
    """A wallet that was changed by hand differs from its ledger by so much; what adoption noted is no difference."""
    user = company.customer(permanent=100)
    company.sql("update credit_wallet set permanent_credits = 107")
    assert wallet.page(company.world, user).difference_credits == 7

    company.sql("insert into adopted_wallets values (%s, 7)", user)
    assert wallet.page(company.world, user).difference_credits == 0
    company.sql("update credit_wallet set permanent_credits = 100")
    company.sql("delete from adopted_wallets")


def test_last_ten_rows_are_shown(company: Company) -> None:
    """The newest rows come first, ten of them; whatever other programs wrote is shown."""
    user = company.customer(permanent=1)
    for number in range(1, 12):
        company.clock.advance(1)
        grant(company, user, number)
    hostile = '{"reason": ["\\u202e"], "operator": {"a": 1}}'
    company.sql(
        "insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id, meta, created_at)"
        " values (%s, 'adjust', 0, E'\\033[2J', E'\\n', %s, 'infinity')",
        user,
        hostile,
    )

    shown = wallet.page(company.world, user)

    assert [line.credits_delta for line in shown.ledger] == [0, *range(11, 2, -1)]
    assert (shown.ledger[0].created_at, shown.ledger[0].ref_id, shown.ledger[0].bucket) == (LATEST, "\n", "permanent")
    assert wallet.page(company.world, user).difference_credits == 0


def test_no_wallet_is_a_problem(company: Company) -> None:
    """A customer without a wallet is told with the command that makes one, and the exit code of an unknown batch."""
    user = uuid4()

    with pytest.raises(
        UsageProblem, match=f"customer {user} has no wallet.*`batchctl wallet grant {user} AMOUNT"
    ) as caught:
        wallet.page(company.world, user)

    assert caught.value.exit_code == 2
    assert wallet.show(company.world, user) is None
