"""The arithmetic of money: what is taken from which bucket, and what comes back."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchctl.domain.batch import BatchStatus, FinishedBatch, QueuedBatch, Refusal, SettlementStatus
from batchctl.domain.credit import (
    Bucket,
    Entry,
    Purse,
    SettlementImpossibleError,
    Wallet,
    WalletMove,
    moves,
    settlement,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)
USER = UUID(int=7)


def wallet(permanent: int = 0, bonus: int = 0, expires_at: datetime | None = TOMORROW) -> Wallet:
    """Make a wallet."""
    return Wallet(user_id=USER, permanent_credits=permanent, bonus_credits=bonus, bonus_expires_at=expires_at)


def queued(total: int, cost: int, eligible: int | None = None, number: int = 1) -> QueuedBatch:
    """Make a queued batch of which `eligible` tasks (all by default) may be paid with bonus."""
    return QueuedBatch(
        id=UUID(int=number),
        user_id=USER,
        total_count=total,
        cost_per_video=cost,
        bonus_eligible_count=total if eligible is None else eligible,
        webhook_url=None,
    )


def finished(batch: QueuedBatch, succeeded: int, frozen_bonus: int = 0, frozen: int | None = None) -> FinishedBatch:
    """Make the same batch at its end."""
    return FinishedBatch(
        id=batch.id,
        user_id=batch.user_id,
        total_count=batch.total_count,
        cost_per_video=batch.cost_per_video,
        frozen_credits=batch.required_credits if frozen is None else frozen,
        frozen_bonus=frozen_bonus,
        succeeded_count=succeeded,
        failed_count=batch.total_count - succeeded,
        last_error=None,
        webhook_url=None,
    )


def taken(entries: list[Entry] | Refusal) -> dict[Bucket, int]:
    """Return what each bucket gains; fails for a refusal."""
    assert not isinstance(entries, Refusal)
    assert len({entry.bucket for entry in entries}) == len(entries)
    return {entry.bucket: entry.credits_delta for entry in entries}


@pytest.mark.parametrize(
    ("purse", "batch", "bonus", "permanent"),
    [
        (wallet(100, 100), queued(3, 10), -30, None),
        (wallet(100, 20), queued(3, 10), -20, -10),
        (wallet(100, 100, NOW), queued(3, 10), None, -30),
        (wallet(100, 100, NOW + timedelta(microseconds=1)), queued(3, 10), -30, None),
        (wallet(100, 100, None), queued(3, 10), None, -30),
        (wallet(100, 100), queued(3, 10, eligible=0), None, -30),
        (wallet(100, 100), queued(3, 10, eligible=1), -10, -20),
        (wallet(20, 10), queued(3, 10), -10, -20),
        (wallet(30), queued(3, 10), None, -30),
        (wallet(0, 30), queued(3, 10), -30, None),
    ],
)
def test_bonus_is_taken_first(purse: Wallet, batch: QueuedBatch, bonus: int | None, permanent: int | None) -> None:
    """Bonus before permanent credits, only while it is unexpired and only for tasks that are not veo-pro."""
    expected = {Bucket.BONUS: bonus, Bucket.PERMANENT: permanent}
    assert taken(Purse(purse, NOW).freeze(batch)) == {bucket: delta for bucket, delta in expected.items() if delta}


@pytest.mark.parametrize(
    ("purse", "batch"),
    [
        (wallet(29), queued(3, 10)),
        (wallet(19, 10), queued(3, 10)),
        (wallet(29, 1000, NOW), queued(3, 10)),
        (wallet(29, 1000, None), queued(3, 10)),
        (wallet(19, 1000), queued(3, 10, eligible=1)),
        (wallet(0, 1000), queued(1, 10, eligible=0)),
    ],
)
def test_one_credit_short_takes_nothing(purse: Wallet, batch: QueuedBatch) -> None:
    """Too few usable credits refuse the batch, and what is there is still there for a smaller one."""
    locked = Purse(purse, NOW)
    assert locked.freeze(batch) is Refusal.INSUFFICIENT_CREDITS
    whole = queued(1, purse.permanent_credits, eligible=0)
    assert taken(locked.freeze(whole)) == (
        {Bucket.PERMANENT: -purse.permanent_credits} if purse.permanent_credits else {}
    )


def test_batches_of_one_customer_share_a_purse() -> None:
    """Each batch of a group sees what the ones before it have left."""
    purse = Purse(wallet(25, 15), NOW)
    assert taken(purse.freeze(queued(2, 10, number=1))) == {Bucket.BONUS: -15, Bucket.PERMANENT: -5}
    assert purse.freeze(queued(3, 10, number=2)) is Refusal.INSUFFICIENT_CREDITS
    assert taken(purse.freeze(queued(2, 10, number=3))) == {Bucket.PERMANENT: -20}
    assert purse.freeze(queued(1, 1, number=4)) is Refusal.INSUFFICIENT_CREDITS


def test_free_batch_takes_nothing() -> None:
    """Price 0 is valid and touches no bucket."""
    assert Purse(wallet(), NOW).freeze(queued(5, 0)) == []


def test_freeze_rows_say_what_they_are() -> None:
    """A freeze row has the kind, reference, flag and balance that other programs read (contract §1)."""
    batch = queued(3, 10)
    entries = Purse(wallet(50, 20), NOW).freeze(batch)
    assert not isinstance(entries, Refusal)
    assert [
        (e.type, e.ref_type, e.bucket, e.credits_delta, e.balance_after, e.batch_id, e.user_id) for e in entries
    ] == [
        ("spend", "batch_upfront", Bucket.BONUS, -20, 0, batch.id, USER),
        ("spend", "batch_upfront", Bucket.PERMANENT, -10, 40, batch.id, USER),
    ]
    assert [entry.meta for entry in entries] == [
        {"batch_id": str(batch.id), "use_bonus": True},
        {"batch_id": str(batch.id), "use_permanent": True},
    ]


@pytest.mark.parametrize(
    ("succeeded", "permanent", "bonus"), [(0, 10, 20), (1, 10, 10), (2, 10, None), (3, None, None)]
)
def test_permanent_part_comes_back_first(succeeded: int, permanent: int | None, bonus: int | None) -> None:
    """Of 20 bonus and 10 permanent credits frozen, the permanent ones come back first, then the bonus."""
    closed = settlement(finished(queued(3, 10), succeeded, frozen_bonus=20))
    given = {Bucket.PERMANENT: permanent, Bucket.BONUS: bonus}
    assert taken(Purse(wallet(), NOW).refund(closed)) == {bucket: delta for bucket, delta in given.items() if delta}


@pytest.mark.parametrize("expires_at", [None, NOW, NOW - timedelta(days=1)])
def test_expired_bonus_comes_back_as_permanent(expires_at: datetime | None) -> None:
    """Bonus that expired while we worked comes back as permanent credits, in one row that says so (contract §2)."""
    closed = settlement(finished(queued(3, 10), 0, frozen_bonus=20))
    (entry,) = Purse(wallet(5, 0, expires_at), NOW).refund(closed)
    assert (entry.type, entry.ref_type, entry.bucket) == ("refund", "batch_refund", Bucket.PERMANENT)
    assert (entry.credits_delta, entry.balance_after, entry.meta["expired_bonus"]) == (30, 35, 20)
    assert entry.meta["refund_to"] == "permanent"


@pytest.mark.parametrize(
    ("total", "succeeded", "status", "settled_as"),
    [
        (3, 3, BatchStatus.COMPLETED, SettlementStatus.FINALIZED),
        (3, 2, BatchStatus.PARTIAL, SettlementStatus.REFUNDED),
        (3, 0, BatchStatus.FAILED, SettlementStatus.REFUNDED),
    ],
)
def test_end_of_a_batch(total: int, succeeded: int, status: BatchStatus, settled_as: SettlementStatus) -> None:
    """All, some or none succeeded: completed, partial or failed; refunded exactly if something goes back."""
    closed = settlement(finished(queued(total, 10), succeeded))
    assert (closed.final_status, closed.status) == (status, settled_as)
    assert (closed.spent, closed.refunded) == (succeeded * 10, (total - succeeded) * 10)


def test_free_failure_refunds_nothing() -> None:
    """A failed batch of price 0 is finalized: nothing can go back."""
    assert settlement(finished(queued(3, 0), 0)).status is SettlementStatus.FINALIZED


@pytest.mark.parametrize(
    "batch",
    [
        finished(queued(3, 10), 3, frozen=29),
        finished(queued(3, 10), 1, frozen=0),
        finished(queued(3, 10), 1, frozen_bonus=31),
        finished(queued(3, 10), 1, frozen_bonus=-1),
        finished(queued(3, -10), 1, frozen=0),
    ],
)
def test_books_that_do_not_add_up_are_not_closed(batch: FinishedBatch) -> None:
    """More to charge than was frozen, or a bonus part that cannot be, is never guessed at."""
    with pytest.raises(SettlementImpossibleError):
        settlement(batch)


def test_moves_add_up_by_customer() -> None:
    """Entries are summed by customer and bucket, in the order in which wallets are locked."""
    a, b = UUID(int=1), UUID(int=2)

    def entry(user_id: UUID, bucket: Bucket, delta: int) -> Entry:
        return Entry(
            user_id=user_id,
            batch_id=UUID(int=9),
            type="spend",
            ref_type="batch_upfront",
            bucket=bucket,
            credits_delta=delta,
            balance_after=0,
            meta={},
        )

    entries = [entry(b, Bucket.PERMANENT, -1), entry(a, Bucket.BONUS, -2), entry(b, Bucket.PERMANENT, -4)]
    assert moves([*entries, entry(b, Bucket.BONUS, 8)]) == [
        WalletMove(user_id=a, permanent_delta=0, bonus_delta=-2),
        WalletMove(user_id=b, permanent_delta=-5, bonus_delta=8),
    ]
    assert moves([]) == []


@st.composite
def queues(draw: st.DrawFn) -> list[QueuedBatch]:
    """Make up to six batches of one customer."""
    batches: list[QueuedBatch] = []
    for number in range(draw(st.integers(min_value=1, max_value=6))):
        total, cost = draw(st.integers(min_value=1, max_value=50)), draw(st.integers(min_value=0, max_value=100))
        batches.append(queued(total, cost, draw(st.integers(min_value=0, max_value=total)), number))
    return batches


def booked(balance: Counter[Bucket], entries: Iterable[Entry]) -> None:
    """Book entries, and hold them to what a bucket may never be."""
    for entry in entries:
        balance[entry.bucket] += entry.credits_delta
        assert entry.credits_delta != 0
        assert balance[entry.bucket] == entry.balance_after >= 0


@given(
    permanent=st.integers(min_value=0, max_value=5000),
    bonus=st.integers(min_value=0, max_value=5000),
    valid=st.booleans(),
    batches=queues(),
    data=st.data(),
)
def test_freeze_and_refund_conserve_credits(
    permanent: int, bonus: int, batches: list[QueuedBatch], data: st.DataObject, *, valid: bool
) -> None:
    """Whatever is frozen and however it ends: no credit is made or lost, and no bucket is ever below zero.

    What is taken is what the batch requires; bonus pays for tasks that may use it and never when expired, permanent
    credits only for what bonus cannot; and a bucket gets back no more than it gave, save for expired bonus.
    """
    balance = Counter({Bucket.PERMANENT: permanent, Bucket.BONUS: bonus})
    frozen: list[tuple[QueuedBatch, dict[Bucket, int]]] = []
    purse = Purse(wallet(permanent, bonus, TOMORROW if valid else NOW), NOW)
    for batch in batches:
        before = Counter(balance)
        entries = purse.freeze(batch)
        bonus_limit = min(batch.bonus_eligible_count * batch.cost_per_video, before[Bucket.BONUS] if valid else 0)
        if isinstance(entries, Refusal):
            assert bonus_limit + before[Bucket.PERMANENT] < batch.required_credits
            continue
        booked(balance, entries)
        parts = {bucket: -delta for bucket, delta in taken(entries).items()}
        assert sum(parts.values()) == batch.required_credits
        assert parts.get(Bucket.BONUS, 0) <= bonus_limit
        assert Bucket.PERMANENT not in parts or parts.get(Bucket.BONUS, 0) == bonus_limit
        frozen.append((batch, parts))
    later = data.draw(st.sampled_from([NOW, TOMORROW]))
    purse = Purse(wallet(balance[Bucket.PERMANENT], balance[Bucket.BONUS], TOMORROW if valid else NOW), later)
    spent = 0
    for batch, parts in frozen:
        succeeded = data.draw(st.integers(min_value=0, max_value=batch.total_count))
        closed = settlement(finished(batch, succeeded, parts.get(Bucket.BONUS, 0)))
        refunds = purse.refund(closed)
        booked(balance, refunds)
        back, expired = taken(refunds), sum(int(str(entry.meta.get("expired_bonus", 0))) for entry in refunds)
        assert back.get(Bucket.BONUS, 0) + expired <= parts.get(Bucket.BONUS, 0)
        assert back.get(Bucket.PERMANENT, 0) - expired <= parts.get(Bucket.PERMANENT, 0)
        assert expired == 0 or later == TOMORROW
        spent += succeeded * batch.cost_per_video
    assert balance.total() + spent == permanent + bonus


@given(total=st.integers(min_value=1, max_value=2**31 - 1), cost=st.integers(min_value=0, max_value=2**31 - 1))
def test_large_sums_are_exact(total: int, cost: int) -> None:
    """Sums beyond 32 bits are neither cut nor rounded."""
    batch = queued(total, cost)
    entries = Purse(wallet(total * cost), NOW).freeze(batch)
    assert taken(entries) == ({Bucket.PERMANENT: -total * cost} if cost else {})
