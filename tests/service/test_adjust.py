"""Corrections by hand: the wallet and the ledger move together, once, and never below zero."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from batchctl.domain.credit import MOST_CREDITS, Bucket
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.domain.wallet_page import AdjustReport, EntriesWanted, EntryType
from batchctl.service import wallet
from batchctl.service.adjust import correct
from batchctl.service.world import World
from tests.scenario import Company


def adjust(world: World, user_id: UUID, amount: int, bucket: Bucket = Bucket.PERMANENT, **options: Any) -> AdjustReport:
    """Correct a wallet."""
    options = {"reason": "ticket 4711", "operator": "ops@desk"} | options
    return correct(world, user_id, amount, bucket=bucket, **options)


def test_wallet_and_ledger_move_together(company: Company) -> None:
    """Credits are given and taken, each with a row that says how much, when, by whom and why."""
    user = company.customer(permanent=100, bonus=20)

    taken = adjust(company.world, user, -30)
    given = adjust(company.world, user, 5, Bucket.BONUS, request_id="r-1")

    assert company.wallet(user) == (70, 25)
    assert (taken.permanent_credits, taken.available_credits, given.available_credits) == (70, 90, 95)
    rows = company.sql(
        "select type, bucket, credits_delta, balance_after, ref_type, ref_id, created_at, meta from credit_ledger"
        " where type = 'adjust' order by id"
    )
    meta = {"reason": "ticket 4711", "operator": "ops@desk"}
    assert [tuple(row) for row in rows] == [
        ("adjust", "permanent", -30, 70, "wallet_adjust", None, company.clock.now, meta),
        ("adjust", "bonus", 5, 25, "wallet_adjust", "r-1", company.clock.now, meta),
    ]


def test_frozen_credits_are_out_of_reach(company: Company) -> None:
    """What open batches have frozen is not in the wallet, cannot be taken, and comes back to it."""
    user = company.customer(permanent=30)
    batch = company.enqueue(user, ["a", "b [sim: fail=error]"])
    company.run_pass()

    with pytest.raises(Problem, match="holds 10 permanent credits, 11 cannot be taken"):
        adjust(company.world, user, -11)
    adjust(company.world, user, -10)
    company.run_until_quiet()

    assert (company.wallet(user), company.batch(batch).credits_spent) == ((10, 0), 10)


def test_request_id_corrects_once(company: Company) -> None:
    """A repeated request id changes nothing more; with another amount or bucket it is a mistake."""
    user, other = company.customer(permanent=100, bonus=20), company.customer(permanent=100)
    first = adjust(company.world, user, -30, request_id="r-1")
    again = adjust(company.world, user, -30, request_id="r-1")
    others = adjust(company.world, other, -30, request_id="r-1")

    assert [one.already_adjusted for one in (first, again, others)] == [False, True, False]
    for amount, bucket in ((-29, Bucket.PERMANENT), (30, Bucket.PERMANENT), (-30, Bucket.BONUS)):
        with pytest.raises(Problem, match=r"stands for an adjustment by -30 permanent credits.*nothing was changed"):
            adjust(company.world, user, amount, bucket, request_id="r-1")
    with pytest.raises(Problem, match=r"with another reason \('ticket 4711'\): nothing was changed"):
        adjust(company.world, user, -30, request_id="r-1", reason="another")
    wallet.grant(company.world, user, 1, reason="x", request_id="r-1")
    assert company.wallet(user) == (71, 20)


def test_two_operators_with_one_request_id_correct_once(company: Company) -> None:
    """Two at the same time wait for each other at the wallet, and the second one finds what the first one did."""
    user = company.customer(permanent=100)
    with company.other_worker() as other, ThreadPoolExecutor(2) as pool:
        with psycopg.connect(company.dsn) as holder:
            holder.execute("select from credit_wallet for update")
            both = [pool.submit(adjust, world, user, -30, request_id="r-1") for world in (company.world, other)]
            company.await_blocked(2)
        reports = [one.result() for one in both]

    assert sorted(report.already_adjusted for report in reports) == [False, True]
    assert company.wallet(user) == (70, 0)


def test_database_corrects_once(company: Company) -> None:
    """Whatever programs do, the ledger holds one adjustment for each request id of a customer."""
    user = company.customer(permanent=100)
    adjust(company.world, user, -30, request_id="r-1")

    with pytest.raises(Exception, match="credit_ledger_adjust_once"):
        company.sql(
            "insert into credit_ledger (user_id, type, credits_delta, ref_type, ref_id)"
            " values (%s, 'adjust', -30, 'wallet_adjust', 'r-1')",
            user,
        )


def test_rehearsal_writes_nothing(company: Company) -> None:
    """A rehearsal says what would be left, and refuses what would be refused."""
    user = company.customer(permanent=100)

    assert adjust(company.world, user, -30, dry_run=True).available_credits == 70
    with pytest.raises(Problem, match="cannot be taken"):
        adjust(company.world, user, -101, dry_run=True)
    assert company.wallet(user) == (100, 0)
    assert company.sql("select 1 from credit_ledger where type = 'adjust'") == []


@pytest.mark.parametrize("dry_run", [False, True])
def test_corrections_that_cannot_be_are_refused(company: Company, *, dry_run: bool) -> None:
    """Nothing, too much, no reason, no wallet: each is refused before anything is written."""
    user = company.customer(permanent=100)
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"amount": 0}, "an adjustment is a whole number of credits"),
        ({"amount": MOST_CREDITS + 1}, "an adjustment is a whole number of credits"),
        ({"reason": " "}, "--reason must be text"),
        ({"request_id": ""}, "--request-id must be text"),
        ({"user_id": uuid4()}, r"has no wallet: `batchctl wallet grant .* AMOUNT --reason TEXT` makes one"),
    ]
    for changed, said in refusals:
        given: dict[str, Any] = {"user_id": user, "amount": 1, "dry_run": dry_run} | changed
        with pytest.raises(UsageProblem, match=said):
            adjust(company.world, **given)
    assert company.wallet(user) == (100, 0)
    assert len(company.sql("select 1 from credit_wallet")) == 1


def test_history_has_the_balance_after_each_row(company: Company) -> None:
    """Each row says what the customer had in all afterwards, whatever the list leaves out; the newest comes first."""
    user = company.customer(permanent=100, bonus=20)
    company.clock.advance(60)
    batch = company.enqueue(user, ["a", "b [sim: fail=error]", "c", "d"])
    company.run_until_quiet()
    company.clock.advance(60)
    adjusted_at = company.clock.now
    adjust(company.world, user, -30)
    company.enqueue(company.customer(permanent=100), 1)

    def found(**wanted: Any) -> list[tuple[str, int, int]]:
        listed = wallet.history(company.world, user, EntriesWanted(**wanted), limit=50)
        return [(line.type, line.credits_delta, line.total_after) for line in listed.entries]

    every = [
        ("adjust", -30, 60),
        ("refund", 10, 90),
        ("spend", -20, 80),
        ("spend", -20, 100),
        ("bonus_grant", 20, 120),
        ("purchase", 100, 100),
    ]
    assert found() == every
    assert found(types=(EntryType.ADJUST, EntryType.PURCHASE)) == [every[0], every[-1]]
    assert found(batch_id=batch) == every[1:4]
    assert found(since=adjusted_at) == every[:1]
    assert found(until=adjusted_at) == every[1:]
    limited = wallet.history(company.world, user, EntriesWanted(), limit=2)
    assert ([line.total_after for line in limited.entries], limited.more) == ([60, 90], True)
    assert wallet.history(company.world, uuid4(), EntriesWanted(), limit=2).entries == ()
    company.run_until_quiet()


def test_history_begins_with_what_was_adopted(company: Company) -> None:
    """What a wallet held beyond its ledger at the adoption of its database is part of every balance."""
    user = company.customer(permanent=100)
    company.sql("insert into adopted_wallets values (%s, 7)", user)

    (line,) = wallet.history(company.world, user, EntriesWanted(), limit=5).entries

    assert line.total_after == 107
    company.sql("delete from adopted_wallets")
