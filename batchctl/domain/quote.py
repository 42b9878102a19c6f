"""What a batch takes from its customer's wallet, and whether the wallet has it now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from batchctl.domain.credit import Wallet
from batchctl.domain.new_task import NewTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The price of a batch beside the wallet that is to pay it; the worker decides when it claims the batch."""

    total_count: int
    cost_per_video: int
    """In credits, as all that follows."""
    required_credits: int
    available_credits: int | None
    """What the wallet has for this batch now; None: there is no wallet."""

    @property
    def missing_credits(self) -> int:
        """Return how many credits the wallet lacks; 0: the batch can be paid now."""
        return max(self.required_credits - (self.available_credits or 0), 0)


def quote(tasks: Iterable[NewTask], cost_per_video: int, wallet: Wallet | None, now: datetime) -> Quote:
    """Say what tasks cost together, and what of the wallet may pay for them (contract §2).

    Valid bonus credits pay for all tasks but those of model veo-pro.
    """
    total_count = bonus_eligible_count = 0
    for task in tasks:
        total_count += 1
        bonus_eligible_count += (task.model or "").strip().lower() != "veo-pro"
    return quote_of(total_count, bonus_eligible_count, cost_per_video, wallet, now)


def quote_of(
    total_count: int, bonus_eligible_count: int, cost_per_video: int, wallet: Wallet | None, now: datetime
) -> Quote:
    """Say the same of so many tasks, of which so many are not of model veo-pro."""
    available = None
    if wallet is not None:
        bonus = wallet.bonus_credits if wallet.bonus_is_valid(now) else 0
        available = wallet.permanent_credits + min(bonus, bonus_eligible_count * cost_per_video)
    return Quote(
        total_count=total_count,
        cost_per_video=cost_per_video,
        required_credits=total_count * cost_per_video,
        available_credits=available,
    )
