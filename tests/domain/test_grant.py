"""What a grant makes of a wallet: nothing vanishes, nothing revives, and the ledger explains all of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchctl.domain.credit import MOST_CREDITS, Bucket, Wallet
from batchctl.domain.grant import Grant, give
from batchctl.domain.problem import Problem

USER = UUID(int=1)
NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def wallet(permanent: int = 0, bonus: int = 0, expires_in: timedelta | None = DAY) -> Wallet:
    """Build a wallet."""
    expires_at = None if expires_in is None else NOW + expires_in
    return Wallet(user_id=USER, permanent_credits=permanent, bonus_credits=bonus, bonus_expires_at=expires_at)


def grant(amount: int, *, bonus_for: timedelta | None = None, request_id: str | None = None) -> Grant:
    """Build a grant, of bonus credits where it says for how long."""
    until = None if bonus_for is None else NOW + bonus_for
    return Grant(
        user_id=USER, amount=amount, reason="why", operator="ops@desk", bonus_expires_at=until, request_id=request_id
    )


def test_permanent_credits_leave_the_bonus_alone() -> None:
    """A purchase adds to the permanent credits and says who gave it and why."""
    granted = give(wallet(5, 7), grant(10, request_id="r-1"), NOW)

    assert granted.wallet == wallet(15, 7)
    (entry,) = granted.entries
    assert (entry.type, entry.bucket, entry.credits_delta, entry.balance_after) == (
        "purchase",
        Bucket.PERMANENT,
        10,
        15,
    )
    assert (entry.ref_type, entry.ref_id) == ("wallet_grant", "r-1")
    assert entry.meta == {"reason": "why", "operator": "ops@desk"}


def test_permanent_grant_revives_no_expired_bonus() -> None:
    """A purchase touches neither expired bonus credits nor their expiry."""
    assert give(wallet(5, 7, -DAY), grant(10), NOW).wallet == wallet(15, 7, -DAY)


def test_valid_bonus_lives_at_least_as_long_as_before() -> None:
    """A wallet has one expiry: a longer one holds for the older credits, a shorter one does not shorten theirs."""
    longer = give(wallet(bonus=7), grant(10, bonus_for=3 * DAY), NOW)
    shorter = give(wallet(bonus=7), grant(10, bonus_for=DAY / 2), NOW)

    assert longer.wallet == wallet(bonus=17, expires_in=3 * DAY)
    assert shorter.wallet == wallet(bonus=17, expires_in=DAY)
    assert shorter.entries[0].meta["expires_at"] == (NOW + DAY).isoformat()
    assert (longer.written_off, shorter.written_off) == (0, 0)


def test_spent_bonus_keeps_its_expiry() -> None:
    """Bonus credits that are frozen in open batches come back to a wallet whose expiry was not shortened meanwhile."""
    assert give(wallet(bonus=0), grant(10, bonus_for=DAY / 2), NOW).wallet == wallet(bonus=10, expires_in=DAY)


@pytest.mark.parametrize("expires_in", [-DAY, timedelta(0)])
def test_expired_bonus_is_written_off(expires_in: timedelta) -> None:
    """Expired bonus credits are taken out of the books before new ones come in."""
    granted = give(wallet(5, 7, expires_in), grant(10, bonus_for=3 * DAY), NOW)

    assert granted.wallet == wallet(5, 10, 3 * DAY)
    assert granted.written_off == 7
    assert [(entry.type, entry.ref_type, entry.credits_delta, entry.balance_after) for entry in granted.entries] == [
        ("adjust", "bonus_expired", -7, 0),
        ("bonus_grant", "wallet_grant", 10, 10),
    ]
    assert {entry.bucket for entry in granted.entries} == {Bucket.BONUS}
    assert granted.entries[0].meta["expired_at"] == (NOW + expires_in).isoformat()


def test_bonus_without_an_expiry_gets_one() -> None:
    """Bonus credits that nobody gave an expiry are not destroyed: they get that of the new ones, which is noted."""
    granted = give(wallet(5, 7, None), grant(10, bonus_for=3 * DAY), NOW)

    assert granted.wallet == wallet(5, 17, 3 * DAY)
    assert (granted.written_off, granted.made_valid) == (0, 7)
    (entry,) = granted.entries
    assert (entry.credits_delta, entry.balance_after) == (10, 17)
    assert entry.meta["made_valid"] == 7
    assert give(wallet(5, 7, None), grant(10), NOW).wallet == wallet(15, 7, None)


def test_full_wallet_takes_no_more() -> None:
    """A wallet holds what a column of credits holds, both purses together, and the grant that is too much is named."""
    room = give(wallet(MOST_CREDITS - 17, 7), grant(10), NOW)

    assert room.wallet.permanent_credits == MOST_CREDITS - 7
    with pytest.raises(
        Problem, match=f"holds {MOST_CREDITS - 10} credits and cannot hold 11 more: nothing was granted"
    ):
        give(wallet(MOST_CREDITS - 17, 7), grant(11), NOW)


DELTAS = st.none() | st.timedeltas(-5 * DAY, 5 * DAY)


@given(
    st.integers(0, 1000),
    st.integers(0, 1000),
    DELTAS,
    st.integers(1, 1000),
    st.none() | st.timedeltas(timedelta(seconds=1), 5 * DAY),
)
def test_books_stay_right(
    permanent: int, bonus: int, expires_in: timedelta | None, amount: int, bonus_for: timedelta | None
) -> None:
    """Whatever is granted: entries explain the wallet, what was available still is, and what was not is not."""
    before = wallet(permanent, bonus, expires_in)
    granted = give(before, grant(amount, bonus_for=bonus_for), NOW)
    after = granted.wallet

    for bucket, old, new in (
        (Bucket.PERMANENT, before.permanent_credits, after.permanent_credits),
        (Bucket.BONUS, before.bonus_credits, after.bonus_credits),
    ):
        entries = [entry for entry in granted.entries if entry.bucket == bucket]
        assert new - old == sum(entry.credits_delta for entry in entries)
        assert [entry.balance_after for entry in entries[-1:]] in ([new], [])
    for later in (timedelta(0), DAY, 4 * DAY):
        assert after.available(NOW + later) >= before.available(NOW + later)
    assert after.available(NOW) == before.available(NOW) + amount + granted.made_valid
    assert after.permanent_credits + after.bonus_credits == (
        before.permanent_credits + before.bonus_credits + amount - granted.written_off
    )
    assert granted.made_valid == (bonus if bonus_for and expires_in is None else 0)
