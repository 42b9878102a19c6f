"""Wallets for operators: give credits, look at a balance."""

from uuid import UUID

from batchctl.domain.credit import Balance
from batchctl.service.world import World
from batchctl.store import wallets


def grant(world: World, user_id: UUID, amount_credits: int, *, reason: str) -> None:
    """Give a customer purchased credits and write down why; a wallet is made where there is none."""
    now = world.clock()
    world.db.transact(lambda tx: wallets.grant(tx, user_id, amount_credits, reason=reason, now=now))


def show(world: World, user_id: UUID) -> Balance | None:
    """Return a customer's balance, None without a wallet."""
    return world.db.ask(lambda tx: wallets.show(tx, user_id))
