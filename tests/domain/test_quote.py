"""What a batch costs, and whether the wallet has it: by the same rules as the freeze."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from batchctl.domain.batch import QueuedBatch, Refusal
from batchctl.domain.credit import Purse, Wallet
from batchctl.domain.new_task import NewTask
from batchctl.domain.quote import quote

USER = UUID(int=1)
NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)


def wallet(permanent: int, bonus: int, expires_in_h: int = 1) -> Wallet:
    """Build a wallet."""
    expires_at = NOW + timedelta(hours=expires_in_h)
    return Wallet(user_id=USER, permanent_credits=permanent, bonus_credits=bonus, bonus_expires_at=expires_at)


def test_no_wallet_has_nothing() -> None:
    """Without a wallet nothing is available, which is another thing than nothing in it."""
    priced = quote([NewTask(prompt="a")] * 3, 10, None, NOW)

    assert (priced.required_credits, priced.available_credits, priced.missing_credits) == (30, None, 30)


def test_expired_bonus_does_not_count() -> None:
    """Bonus credits count while they are valid."""
    tasks = [NewTask(prompt="a")]

    assert quote(tasks, 10, wallet(4, 100), NOW).available_credits == 14
    assert quote(tasks, 10, wallet(4, 100, -1), NOW).available_credits == 4


@given(
    st.lists(st.sampled_from([None, "sora-2", "veo-flash", "veo-pro", " VEO-Pro "]), min_size=1, max_size=6),
    st.integers(0, 20),
    st.integers(0, 100),
    st.integers(0, 100),
    st.sampled_from([-1, 1]),
)
@example([" VEO-Pro ", "sora-2"], 10, 5, 20, 1)
@example([" VEO-Pro ", "sora-2"], 10, 10, 10, 1)
def test_quote_is_what_the_freeze_decides(
    models: list[str | None], cost: int, permanent: int, bonus: int, expires_in_h: int
) -> None:
    """Nothing is missing exactly when the freeze takes the batch."""
    purse = wallet(permanent, bonus, expires_in_h)
    priced = quote([NewTask(prompt="a", model=model) for model in models], cost, purse, NOW)
    eligible = sum("pro" not in (model or "").lower() for model in models)
    batch = QueuedBatch(
        id=UUID(int=2),
        user_id=USER,
        total_count=len(models),
        cost_per_video=cost,
        bonus_eligible_count=eligible,
        webhook_url=None,
    )

    frozen = Purse(purse, NOW).freeze(batch)

    assert (priced.missing_credits == 0) == (frozen != Refusal.INSUFFICIENT_CREDITS)
    assert priced.required_credits == batch.required_credits
