"""Correcting a customer's wallet by hand, in one transaction with the row of the ledger that says why."""

from datetime import datetime
from uuid import UUID

from batchctl.domain.adjust import Adjustment, adjust
from batchctl.domain.credit import MOST_CREDITS, Bucket, Wallet
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.domain.wallet_page import AdjustReport
from batchctl.service.asked import asked_for
from batchctl.service.wallet import check_note, find_written
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import ledger, wallets


def correct(
    world: World,
    user_id: UUID,
    amount: int,
    *,
    bucket: Bucket,
    reason: str,
    operator: str,
    request_id: str | None = None,
    dry_run: bool = False,
) -> AdjustReport:
    """Give a customer credits, or take some with a negative `amount`, and write down why.

    A request id corrects once: repeated, nothing is written; with `dry_run` nothing ever is. Raises UsageProblem for a
    correction that cannot be or without a wallet, Problem when the wallet does not allow it, or when the request id
    stands for another correction.
    """
    if not 0 < abs(amount) <= MOST_CREDITS:
        message = f"an adjustment is a whole number of credits from 1 to {MOST_CREDITS}, or as many less"
        raise UsageProblem(message)
    check_note(reason, request_id)
    now = world.clock()
    asked = Adjustment(
        user_id=user_id, amount=amount, bucket=bucket, reason=reason, operator=operator, request_id=request_id
    )
    if dry_run:
        return world.db.survey(lambda tx: _correct(tx, asked, now, dry_run=True))
    what, look = "the adjustment", f"`batchctl wallet history {user_id}` shows it"
    with asked_for(what, look=look, find=lambda: find_written(world, user_id, what, now)):
        return world.db.transact(lambda tx: _correct(tx, asked, now, dry_run=False))


def _correct(tx: Conn, asked: Adjustment, now: datetime, *, dry_run: bool) -> AdjustReport:
    wallet = _wallet(tx, asked.user_id, dry_run=dry_run)
    # The wallet's lock makes corrections for one customer wait for each other, so that what is found here stays true.
    earlier = None if asked.request_id is None else ledger.find_adjustment(tx, asked.user_id, asked.request_id)
    if earlier is not None:
        if (earlier.bucket, earlier.credits_delta) != (asked.bucket, asked.amount):
            message = (
                f"the request id stands for an adjustment by {earlier.credits_delta:+} {earlier.bucket} credits, not "
                f"by {asked.amount:+} {asked.bucket} ones: nothing was changed; take another request id for another one"
            )
            raise Problem(message)
        if earlier.reason != asked.reason:
            message = (
                f"the request id stands for an adjustment with another reason ({earlier.reason!r}): "
                "nothing was changed; take another request id for another one"
            )
            raise Problem(message)
        return _report(asked, wallet, now, already=True, dry_run=dry_run)
    entry, after = adjust(wallet, asked, now)
    if not dry_run:
        ledger.insert_grants(tx, asked.user_id, [entry], now=now)
        wallets.grant(
            tx,
            asked.user_id,
            permanent_delta=after.permanent_credits - wallet.permanent_credits,
            bonus_delta=after.bonus_credits - wallet.bonus_credits,
            bonus_expires_at=None,
            now=now,
        )
    return _report(asked, after, now, already=False, dry_run=dry_run)


def _wallet(tx: Conn, user_id: UUID, *, dry_run: bool) -> Wallet:
    wallet = wallets.find(tx, user_id) if dry_run else wallets.lock(tx, [user_id], wait=True).wallets.get(user_id)
    if wallet is None:
        message = f"customer {user_id} has no wallet: `batchctl wallet grant {user_id} AMOUNT --reason TEXT` makes one"
        raise UsageProblem(message)
    return wallet


def _report(asked: Adjustment, wallet: Wallet, now: datetime, *, already: bool, dry_run: bool) -> AdjustReport:
    return AdjustReport(
        user_id=asked.user_id,
        bucket=asked.bucket,
        amount=asked.amount,
        already_adjusted=already,
        dry_run=dry_run,
        permanent_credits=wallet.permanent_credits,
        bonus_credits=wallet.bonus_credits,
        bonus_expires_at=wallet.bonus_expires_at,
        available_credits=wallet.available(now),
    )
