"""What a correction makes of a wallet: one bucket moves, never below zero, and the ledger says by how much and why."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from batchctl.domain.adjust import Adjustment, adjust
from batchctl.domain.credit import MOST_CREDITS, Bucket, Wallet
from batchctl.domain.problem import Problem

USER = UUID(int=1)
NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def wallet(permanent: int = 0, bonus: int = 0, expires_in: timedelta | None = DAY) -> Wallet:
    """Build a wallet."""
    expires_at = None if expires_in is None else NOW + expires_in
    return Wallet(user_id=USER, permanent_credits=permanent, bonus_credits=bonus, bonus_expires_at=expires_at)


def by(amount: int, bucket: Bucket = Bucket.PERMANENT) -> Adjustment:
    """Build a correction."""
    return Adjustment(user_id=USER, amount=amount, bucket=bucket, reason="why", operator="ops@desk", request_id="r-1")


@pytest.mark.parametrize(
    ("bucket", "amount", "after"),
    [
        (Bucket.PERMANENT, 3, (8, 7)),
        (Bucket.PERMANENT, -5, (0, 7)),
        (Bucket.BONUS, 3, (5, 10)),
        (Bucket.BONUS, -7, (5, 0)),
    ],
)
def test_one_bucket_moves(bucket: Bucket, amount: int, after: tuple[int, int]) -> None:
    """The other bucket and the expiry stay; the row of the ledger explains the difference."""
    entry, changed = adjust(wallet(5, 7), by(amount, bucket), NOW)

    assert changed == wallet(*after)
    assert (entry.type, entry.ref_type, entry.ref_id, entry.bucket) == ("adjust", "wallet_adjust", "r-1", bucket)
    assert (entry.credits_delta, entry.balance_after) == (amount, after[bucket is Bucket.BONUS])
    assert entry.meta == {"reason": "why", "operator": "ops@desk"}


@pytest.mark.parametrize(("bucket", "held"), [(Bucket.PERMANENT, 5), (Bucket.BONUS, 7)])
def test_nothing_falls_below_zero(bucket: Bucket, held: int) -> None:
    """What a bucket does not hold cannot be taken from it, whatever the other one holds."""
    with pytest.raises(
        Problem, match=f"holds {held} {bucket} credits, {held + 1} cannot be taken: nothing was changed"
    ):
        adjust(wallet(5, 7), by(-held - 1, bucket), NOW)


def test_full_wallet_takes_no_more() -> None:
    """A wallet holds what a column of credits holds, both purses together."""
    with pytest.raises(Problem, match=f"holds {MOST_CREDITS - 3} credits and cannot hold 4 more: nothing was changed"):
        adjust(wallet(MOST_CREDITS - 10, 7), by(4), NOW)
    assert adjust(wallet(MOST_CREDITS - 10, 7), by(3), NOW)[1].permanent_credits == MOST_CREDITS - 7


@pytest.mark.parametrize("expires_in", [None, -DAY, timedelta(0)])
def test_bonus_that_is_not_valid_can_be_taken_only(expires_in: timedelta | None) -> None:
    """Giving bonus credits that pay for nothing is refused with the command that gives valid ones."""
    with pytest.raises(
        Problem, match=r"bonus credits of this wallet are not valid.*wallet grant .* 3 --bonus --expires"
    ):
        adjust(wallet(0, 7, expires_in), by(3, Bucket.BONUS), NOW)

    assert adjust(wallet(0, 7, expires_in), by(-7, Bucket.BONUS), NOW)[1] == wallet(0, 0, expires_in)
