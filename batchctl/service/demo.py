"""The demonstration: a customer, batches from files, passes until all is settled and told, and books that add up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from uuid import UUID

from batchctl.db import Database
from batchctl.domain.batch import BatchLine, BatchStatus
from batchctl.domain.credit import Balance
from batchctl.domain.delivery import DeliveryStatus
from batchctl.domain.new_task import NewTask
from batchctl.domain.problem import Problem
from batchctl.domain.report import PassReport
from batchctl.service import wallet
from batchctl.service.create import create
from batchctl.service.run_once import run_once
from batchctl.service.world import World, start_pass
from batchctl.store import batches, demo, due

CREDITS = 300
COST_PER_VIDEO = 10
MAX_PASSES = 60
SEED = 7
"""Of the spread of back-offs, so that each demonstration goes the same way."""
SLACK_S = 1.0
"""Time is moved on by so much more than the wait, so that what was recorded in one pass is due in one pass."""
_OPEN = {BatchStatus.QUEUED, BatchStatus.PROCESSING, DeliveryStatus.PENDING, DeliveryStatus.RETRYING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the demonstration: a pass, or the death of the process that ran one."""

    moved_s: float
    """By how much the time of all that waits was moved on before it."""
    report: PassReport | None
    """What the pass did; None: its process was killed in the middle of the settlement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """The books at the end of the demonstration."""

    batches: tuple[BatchLine, ...]
    balance: Balance
    granted: int
    kills: int

    @property
    def held(self) -> int:
        """Credits in the wallet."""
        return self.balance.permanent_credits + self.balance.bonus_credits

    @property
    def spent(self) -> int:
        """Credits charged."""
        return sum(batch.credits_spent for batch in self.batches)

    @property
    def refunded(self) -> int:
        """Credits frozen and given back."""
        return sum(batch.credits_refunded for batch in self.batches)

    @property
    def adds_up(self) -> bool:
        """Say whether every batch is settled and told, and no credit is missing or too many."""
        return (
            self.granted == self.held + self.spent
            and self.held == self.balance.ledger_credits
            and all(
                batch.frozen_credits == batch.credits_spent + batch.credits_refunded and batch.webhook_status == "sent"
                for batch in self.batches
            )
        )


def clear(db: Database) -> None:
    """Empty the demonstration's database."""
    db.transact(demo.clear)


def play(
    world: World,
    user_id: UUID,
    orders: Sequence[tuple[Sequence[NewTask], str]],
    show: Callable[[Step], None],
    kill_one: Callable[[], None],
) -> DemoReport:
    """Play it on a migrated, empty database: `orders` are batches, each with the address of its webhook.

    The first settlement is left to `kill_one`, which runs a pass in a process that dies before it commits. `show` is
    handed each step. Raises Problem when a batch is still open after many passes, or a pass finds something wrong.
    """
    wallet.grant(world, user_id, CREDITS, reason="demo")
    for tasks, webhook_url in orders:
        create(world, tasks, user_id=user_id, cost_per_video=COST_PER_VIDEO, webhook_url=webhook_url)
    world = replace(world, random=Random(SEED))  # noqa: S311 - chance of a demonstration, no secret
    patient = replace(world, limits=replace(world.limits, max_settle=0))
    kills, moved_s = 0, 0.0
    for _ in range(MAX_PASSES):
        report = run_once(world if kills else patient, start_pass(world, None), _break)
        if report.findings:
            raise Problem(report.findings[0].message)
        show(Step(moved_s=moved_s, report=report))
        if not kills and _waits_for_settlement(world):
            kill_one()
            kills, moved_s = 1, 0.0
            show(Step(moved_s=0.0, report=None))
            continue
        books = _books(world, user_id, kills)
        if not any({batch.status, batch.webhook_status} & _OPEN for batch in books.batches):
            return books
        moved_s = _move_time(world)
    raise Problem(f"the demonstration is not over after {MAX_PASSES} passes")


def _break(error: Exception) -> None:
    raise error


def _waits_for_settlement(world: World) -> bool:
    """Say whether a batch could be settled now."""
    now = world.clock()
    return bool(world.db.ask(lambda tx: batches.find_settleable(tx, missing_since=now, left_out=(), batch_limit=1)))


def _move_time(world: World) -> float:
    """Move the time of all that waits on by the shortest wait of the back-off that makes something due, and a bit."""
    now = world.clock()
    due_at = world.db.ask(lambda tx: due.find_next(tx, now=now))
    missing_s = 0.0 if due_at is None else (due_at - now).total_seconds()
    if missing_s <= 0:
        return 0.0
    waits_s = world.limits.poll_waits_s
    step_s = next((wait_s for wait_s in waits_s if wait_s >= missing_s), waits_s[-1]) + SLACK_S
    world.db.transact(lambda tx: demo.move_time(tx, step_s))
    return step_s


def _books(world: World, user_id: UUID, kills: int) -> DemoReport:
    lines = world.db.ask(lambda tx: batches.list_of(tx, user_id))
    balance = wallet.show(world, user_id)
    if balance is None:
        raise Problem("the demonstration's wallet is gone")
    return DemoReport(batches=tuple(lines), balance=balance, granted=CREDITS, kills=kills)
