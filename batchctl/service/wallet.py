"""Wallets for operators: give credits, look at a balance and what explains it."""

from datetime import datetime
from uuid import UUID

from batchctl.domain.credit import MOST_CREDITS, Balance, Wallet
from batchctl.domain.grant import Grant, Granted, give
from batchctl.domain.new_task import is_storable
from batchctl.domain.problem import Problem, UsageProblem
from batchctl.domain.wallet_page import EntriesWanted, GrantReport, WalletHistory, WalletShow
from batchctl.service.asked import asked_for
from batchctl.service.create import LONGEST_REQUEST_ID, is_request_id
from batchctl.service.world import World
from batchctl.statement import Conn
from batchctl.store import batches, ledger, wallets

LONGEST_REASON = 500
LEDGER_ROWS = 10


def grant(
    world: World,
    user_id: UUID,
    amount: int,
    *,
    reason: str,
    operator: str = "batchctl",
    bonus_expires_at: datetime | None = None,
    request_id: str | None = None,
    dry_run: bool = False,
) -> GrantReport:
    """Give a customer credits and write down why; a wallet is made where there is none.

    They are permanent, or with `bonus_expires_at` bonus credits. A request id grants once: repeated, nothing is
    written; with `dry_run` nothing ever is. Raises UsageProblem for a grant that cannot be, Problem when the wallet
    cannot hold it, or the request id stands for another grant.
    """
    now = world.clock()
    asked = Grant(
        user_id=user_id,
        amount=amount,
        reason=reason,
        operator=operator,
        bonus_expires_at=bonus_expires_at,
        request_id=request_id,
    )
    _check(asked, now)
    if dry_run:
        return world.db.survey(lambda tx: _grant(tx, asked, now, dry_run=True))
    look = f"`batchctl wallet show {user_id}` shows it"
    with asked_for("the grant", look=look, find=lambda: find_written(world, user_id, "the grant", now)):
        return world.db.transact(lambda tx: _grant(tx, asked, now, dry_run=False))


def show(world: World, user_id: UUID) -> Balance | None:
    """Return a customer's balance, None without a wallet."""
    return world.db.ask(lambda tx: wallets.show(tx, user_id))


def page(world: World, user_id: UUID, *, entry_limit: int = LEDGER_ROWS) -> WalletShow:
    """Return all about a customer's credits as they are at one moment; UsageProblem without a wallet."""
    now = world.clock()
    return world.db.survey(lambda tx: _page(tx, user_id, entry_limit, now))


def history(world: World, user_id: UUID, wanted: EntriesWanted, *, limit: int) -> WalletHistory:
    """List the rows of a customer's ledger that are wanted, the newest first, `limit` at most."""
    found = world.db.survey(lambda tx: ledger.history(tx, user_id, wanted, entry_limit=limit + 1))
    return WalletHistory(user_id=user_id, entries=tuple(found[:limit]), more=len(found) > limit)


def check_note(reason: str, request_id: str | None) -> None:
    """Raise UsageProblem for a reason, or a request id, that the ledger cannot keep."""
    if not reason.strip() or len(reason) > LONGEST_REASON or not is_storable(reason):
        message = f"--reason must be text of 1 to {LONGEST_REASON} characters"
        raise UsageProblem(message)
    if request_id is not None and not is_request_id(request_id):
        message = f"--request-id must be text of 1 to {LONGEST_REQUEST_ID} characters"
        raise UsageProblem(message)


def _check(asked: Grant, now: datetime) -> None:
    if not 0 < asked.amount <= MOST_CREDITS:
        message = f"a grant is a whole number of credits from 1 to {MOST_CREDITS}"
        raise UsageProblem(message)
    check_note(asked.reason, asked.request_id)
    if asked.bonus_expires_at is not None and asked.bonus_expires_at <= now:
        raise UsageProblem("--expires must lie in the future: expired bonus credits pay for nothing")


def _grant(tx: Conn, asked: Grant, now: datetime, *, dry_run: bool) -> GrantReport:
    if dry_run:
        none = Wallet(user_id=asked.user_id, permanent_credits=0, bonus_credits=0, bonus_expires_at=None)
        wallet = wallets.find(tx, asked.user_id) or none
    else:
        wallets.open_for(tx, asked.user_id, now=now)
        wallet = wallets.lock(tx, [asked.user_id], wait=True).wallets[asked.user_id]
    # The wallet's lock makes grants to one customer wait for each other, so that what is found here stays true.
    earlier = None if asked.request_id is None else ledger.find_grant(tx, asked.user_id, asked.request_id)
    if earlier is not None:
        if (earlier.bucket, earlier.credits_delta) != (asked.bucket, asked.amount):
            message = (
                f"the request id stands for a grant of {earlier.credits_delta} {earlier.bucket} credits, not of "
                f"{asked.amount} {asked.bucket} ones: nothing was granted; take another request id for another grant"
            )
            raise Problem(message)
        if earlier.reason != asked.reason:
            message = (
                f"the request id stands for a grant with another reason ({earlier.reason!r}): "
                "nothing was granted; take another request id for another grant"
            )
            raise Problem(message)
        return _report(asked, Granted(entries=(), wallet=wallet, written_off=0), now, dry_run=dry_run)
    granted = give(wallet, asked, now)
    if dry_run:
        return _report(asked, granted, now, dry_run=True)
    ledger.insert_grants(tx, asked.user_id, granted.entries, now=now)
    wallets.grant(
        tx,
        asked.user_id,
        permanent_delta=granted.wallet.permanent_credits - wallet.permanent_credits,
        bonus_delta=granted.wallet.bonus_credits - wallet.bonus_credits,
        bonus_expires_at=None if asked.bonus_expires_at is None else granted.wallet.bonus_expires_at,
        now=now,
    )
    return _report(asked, granted, now, dry_run=False)


def find_written(world: World, user_id: UUID, what: str, now: datetime) -> str | None:
    """Return `what` if it is there; no other row of the ledger bears the microsecond at which it was asked for."""
    rows = world.db.ask(lambda tx: ledger.list_of_customer(tx, user_id, entry_limit=LEDGER_ROWS))
    return what if any(row.created_at == now for row in rows) else None


def _report(asked: Grant, granted: Granted, now: datetime, *, dry_run: bool) -> GrantReport:
    wallet = granted.wallet
    return GrantReport(
        user_id=asked.user_id,
        bucket=asked.bucket,
        amount=asked.amount,
        already_granted=not granted.entries,
        dry_run=dry_run,
        written_off=granted.written_off,
        made_valid=granted.made_valid,
        permanent_credits=wallet.permanent_credits,
        bonus_credits=wallet.bonus_credits,
        bonus_expires_at=wallet.bonus_expires_at,
        available_credits=wallet.available(now),
    )


def _page(tx: Conn, user_id: UUID, entry_limit: int, now: datetime) -> WalletShow:
    balance = wallets.show(tx, user_id)
    if balance is None:
        message = (
            f"customer {user_id} has no wallet, so that every batch of theirs is refused: "
            f"`batchctl wallet grant {user_id} AMOUNT --reason TEXT` makes one"
        )
        raise UsageProblem(message)
    wallet = Wallet(
        user_id=user_id,
        permanent_credits=balance.permanent_credits,
        bonus_credits=balance.bonus_credits,
        bonus_expires_at=balance.bonus_expires_at,
    )
    held = balance.permanent_credits + balance.bonus_credits
    return WalletShow(
        as_of=now,
        user_id=user_id,
        balance=balance,
        bonus_is_valid=wallet.bonus_is_valid(now),
        available_credits=wallet.available(now),
        open_batches=batches.sum_open(tx, user_id),
        difference_credits=held - balance.ledger_credits - balance.unexplained_credits,
        ledger=tuple(ledger.list_of_customer(tx, user_id, entry_limit=entry_limit)),
    )
