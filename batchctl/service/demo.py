"""The demonstration: a customer, a batch from a file, passes until all is settled and told, and books that add up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from batchctl.domain.batch import BatchLine
from batchctl.domain.batch_file import NewTask
from batchctl.domain.credit import Balance
from batchctl.domain.problem import Problem
from batchctl.domain.report import PassReport
from batchctl.service import wallet
from batchctl.service.create import create
from batchctl.service.run_once import run_once
from batchctl.service.world import World, start_pass
from batchctl.store import batches, demo

CREDITS = 300
COST_PER_VIDEO = 10
STEP_S = 30.0
"""Time is moved on by so much between passes: the longest wait of the poll back-off."""
MAX_PASSES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """The books at the end of the demonstration."""

    batches: tuple[BatchLine, ...]
    balance: Balance
    granted: int
    spent: int
    refunded: int

    @property
    def adds_up(self) -> bool:
        """Say whether every batch is settled and told, and no credit is missing or too many."""
        held = self.balance.permanent_credits + self.balance.bonus_credits
        return (
            held + self.spent == self.granted
            and held == self.balance.ledger_credits
            and all(
                batch.frozen_credits == batch.credits_spent + batch.credits_refunded and batch.webhook_status == "sent"
                for batch in self.batches
            )
        )


def play(
    world: World,
    user_id: UUID,
    tasks: Sequence[NewTask],
    webhook_url: str,
    show: Callable[[int, PassReport], None],
) -> DemoReport:
    """Play it on a migrated, empty database; `show` is handed each pass that did something, by its number.

    Raises Problem when a batch is still open after many passes, or a pass finds something wrong.
    """
    wallet.grant(world, user_id, CREDITS, reason="demo")
    create(world, tasks, user_id=user_id, cost_per_video=COST_PER_VIDEO, webhook_url=webhook_url)
    for number in range(1, MAX_PASSES + 1):
        report = run_once(world, start_pass(world, None), _break)
        if report.findings:
            raise Problem(report.findings[0].message)
        if report.is_idle and number > 1:
            break
        show(number, report)
        world.db.transact(lambda tx: demo.move_time(tx, STEP_S))
    else:
        raise Problem(f"the demonstration is not over after {MAX_PASSES} passes")
    return _books(world, user_id)


def _break(error: Exception) -> None:
    raise error


def _books(world: World, user_id: UUID) -> DemoReport:
    lines = world.db.ask(lambda tx: batches.list_of(tx, user_id))
    balance = wallet.show(world, user_id)
    if balance is None:
        raise Problem("the demonstration's wallet is gone")
    return DemoReport(
        batches=tuple(lines),
        balance=balance,
        granted=CREDITS,
        spent=sum(line.credits_spent for line in lines),
        refunded=sum(line.credits_refunded for line in lines),
    )
