"""Rows on hold: what is listed, what a release lets go on, and what is held again."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from batchctl.db import Database
from batchctl.domain.hold import HoldKind, HoldsWanted
from batchctl.domain.limits import OrphanPolicy
from batchctl.domain.problem import UsageProblem
from batchctl.service import hold
from tests.roles import made
from tests.scenario import Company

ALL = HoldsWanted()


def without_wallet(company: Company) -> UUID:
    """Put a batch on hold because its refund has no wallet to go to."""
    user = company.customer(permanent=10)
    batch = company.enqueue(user, ["a [sim: fail=error]"])
    company.run_pass()
    company.clock.advance(6)
    company.sql("delete from credit_wallet where user_id = %s", user)
    assert "WALLET_NOT_FOUND" in company.run_pass().findings[0].message
    return batch


def give_wallet(company: Company, batch_id: UUID) -> None:
    """Mend what `without_wallet` took."""
    company.sql("insert into credit_wallet (user_id) select user_id from batch_jobs where id = %s", batch_id)


def release(company: Company, wanted: HoldsWanted = ALL) -> list[tuple[Any, bool]]:
    """Release what is wanted; return which rows, and whether they were."""
    chosen = hold.list_oldest(company.world, wanted).holds
    return [(line.id, line.released) for line in hold.release(company.world, chosen).holds]


def test_batch_goes_on_when_the_cause_is_mended(company: Company) -> None:
    """A batch whose refund had no wallet is listed with its frozen credits, released, and settled by the next pass."""
    batch = without_wallet(company)
    (line,) = hold.list_oldest(company.world, ALL).holds
    assert (line.kind, line.id, line.batch_id, line.credits, line.needs_decision) == (
        HoldKind.BATCH,
        batch,
        batch,
        10,
        False,
    )
    assert (line.held_since, line.hold_reason.partition(":")[0]) == (company.clock.now, "WALLET_NOT_FOUND")

    give_wallet(company, batch)
    assert release(company) == [(batch, True)]
    assert company.run_pass().settle.credits_refunded == 10
    assert hold.list_oldest(company.world, ALL).holds == ()


def test_what_is_still_indigestible_is_held_again(company: Company) -> None:
    """A release that comes before the cause is mended ends in the next pass, which says so again."""
    batch = without_wallet(company)
    assert release(company) == [(batch, True)]

    report = company.run_pass()

    assert [finding.exit_code for finding in report.findings] == [1]
    assert f"batch {batch} is on hold: WALLET_NOT_FOUND" in report.findings[0].message
    give_wallet(company, batch)
    release(company)
    company.run_until_quiet()


def test_tasks_go_on_with_the_batch_that_is_named(company: Company) -> None:
    """The id of a batch stands for its tasks on hold; each has its price at stake, and is polled again."""
    batch = company.enqueue(company.customer(permanent=20), 2)
    company.run_pass()
    company.sql("update video_tasks set hold_reason = 'for a test', updated_at = %s", company.clock.now)
    other = without_wallet(company)

    ids = hold.pick(company.world, [str(batch)[:8]])
    listed = hold.list_oldest(company.world, HoldsWanted(ids=ids))

    assert ids == (batch,)
    assert [(line.kind, line.credits) for line in listed.holds] == [(HoldKind.TASK, 10), (HoldKind.TASK, 10)]
    assert listed.credits == 20
    assert [released for _, released in release(company, HoldsWanted(ids=ids))] == [True, True]
    company.clock.advance(6)
    company.run_pass()
    assert (company.batch(batch).status, company.batch(other).hold_reason is None) == ("completed", False)
    give_wallet(company, other)
    release(company)
    company.run_until_quiet()


def test_credits_of_a_batch_are_not_counted_twice(company: Company) -> None:
    """A task on hold in a batch on hold has its credits in those of the batch."""
    batch = company.enqueue(company.customer(permanent=20), 2)
    company.run_pass()
    company.sql("update video_tasks set hold_reason = 'x'")
    company.sql("update batch_jobs set hold_reason = 'y'")

    assert [line.credits for line in hold.list_oldest(company.world, ALL).holds if line.id == batch] == [20]
    assert hold.list_oldest(company.world, ALL).credits == 20
    release(company)
    company.run_until_quiet()


@pytest.mark.parametrize(("policy", "ends"), [(OrphanPolicy.FAIL, "failed"), (OrphanPolicy.HOLD, "processing")])
def test_task_in_doubt_needs_a_decision(company: Company, policy: OrphanPolicy, ends: str) -> None:
    """A task that the provider may have is marked so; its release leaves it to the policy, which may hold it again."""
    company.limit(orphan_policy=OrphanPolicy.HOLD)
    batch = company.enqueue(company.customer(permanent=10), ["a [sim: submit=malformed]"])
    company.run_pass()
    (line,) = hold.list_oldest(company.world, ALL).holds
    assert (line.kind, line.needs_decision, line.hold_reason) == (HoldKind.TASK, True, "SUBMIT_OUTCOME_UNKNOWN")

    company.limit(orphan_policy=policy)
    assert release(company) == [(line.id, True)]
    company.clock.advance(1300)
    findings = company.run_pass().findings

    assert company.batch(batch).status == ends
    assert [f"task {line.id} is on hold" in finding.message for finding in findings] == (
        [True] if policy is OrphanPolicy.HOLD else []
    )


def test_selection(company: Company) -> None:
    """Customer, time and reason narrow what is meant; the row that is held for longest comes first."""
    user, other = company.customer(permanent=10), company.customer(permanent=10)
    began = company.clock.now
    ids: list[UUID] = []
    for number, (owner, reason) in enumerate(((user, 'check "A"'), (other, "CHECK b"), (user, "wallet"))):
        ids.append(company.enqueue(owner, 1, cost=0))
        company.sql(
            "update batch_jobs set hold_reason = %s, updated_at = %s where id = %s",
            *(reason, began + timedelta(hours=number), ids[-1]),
        )

    def found(**wanted: Any) -> list[int]:
        return [ids.index(line.id) for line in hold.list_oldest(company.world, HoldsWanted(**wanted)).holds]

    assert found() == [0, 1, 2]
    assert found(user_id=user) == [0, 2]
    assert found(since=began + timedelta(hours=1)) == [1, 2]
    assert found(until=began + timedelta(hours=1)) == [0]
    assert found(reason="Check") == [0, 1]
    assert found(reason="%") == []
    assert found(ids=(ids[1], uuid4())) == [1]
    limited = hold.list_oldest(company.world, ALL, limit=2)
    assert (len(limited.holds), limited.more, hold.list_oldest(company.world, ALL, limit=3).more) == (2, True, False)
    release(company)
    company.run_until_quiet()


def test_id_that_is_not_on_hold_is_named(company: Company) -> None:
    """An id that nothing on hold has is a mistake, told with the command that lists what is."""
    batch = company.enqueue(company.customer(permanent=10), 1)

    with pytest.raises(UsageProblem, match=r"there is no batch or task on hold .*`batchctl hold list`"):
        hold.pick(company.world, [str(batch)])


def test_rehearsal_and_second_release_change_nothing(company: Company) -> None:
    """A rehearsal says what would go on; what somebody else has released meanwhile is not released again."""
    batch = without_wallet(company)
    chosen = hold.list_oldest(company.world, ALL).holds

    assert [line.released for line in hold.rehearse(chosen).holds] == [False]
    assert company.batch(batch).hold_reason is not None
    assert hold.release(company.world, chosen).released_count == 1
    assert hold.release(company.world, chosen).released_count == 0
    give_wallet(company, batch)
    company.run_until_quiet()


def test_row_that_refuses_keeps_no_other(company: Company) -> None:
    """Where the database does not let one row be released, the others are, and the report says why that one is not."""
    first, second = without_wallet(company), without_wallet(company)
    company.sql(f"alter table batch_jobs add constraint stays check (hold_reason is not null or id <> '{first}')")

    report = hold.release(company.world, hold.list_oldest(company.world, ALL).holds)

    by_id = {line.id: line for line in report.holds}
    assert (by_id[second].released, by_id[first].released) == (True, False)
    assert 'violates check constraint "stays"' in (by_id[first].error or "")
    company.sql("alter table batch_jobs drop constraint stays")
    give_wallet(company, first)
    give_wallet(company, second)
    release(company)
    company.run_until_quiet()


@contextmanager
def as_operator(company: Company) -> Iterator[None]:
    """Let the company be at work under the role of operators."""
    with made(company.dsn) as roles, closing(Database(roles.login("batch_operator"), company.clock.sleep)) as db:
        world, company.world = company.world, replace(company.world, db=db)
        yield
        company.world = world


def test_operators_role_suffices(company: Company) -> None:
    """Under the role of operators, with all triggers in place, a batch and a task are released."""
    batch = without_wallet(company)
    give_wallet(company, batch)
    company.enqueue(company.customer(permanent=10), 1)
    company.run_pass()
    company.sql("update video_tasks set hold_reason = 'for a test' where status = 'processing'")
    with as_operator(company):
        assert [released for _, released in release(company)] == [True, True]
    company.run_until_quiet()
