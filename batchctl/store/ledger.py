"""Statements on credit_ledger."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batchctl.domain.credit import Bucket, Entry
from batchctl.domain.grant import GrantEntry
from batchctl.domain.wallet_page import EntriesWanted, HistoryLine, LedgerLine
from batchctl.statement import Conn, NoRow, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierGrant:
    """What was granted, or adjusted, under a request id."""

    bucket: Bucket
    credits_delta: int
    created_at: datetime
    reason: str | None


_INSERT = Statement("ledger/insert", NoRow)
_INSERT_GRANTS = Statement("ledger/insert_grants", NoRow)
_FIND_GRANT = Statement("ledger/find_grant", EarlierGrant)
_FIND_ADJUSTMENT = Statement("ledger/find_adjustment", EarlierGrant)
_HISTORY = Statement("ledger/history", HistoryLine)
_LIST_OF_BATCH = Statement("ledger/list_of_batch", LedgerLine)
_LIST_OF_CUSTOMER = Statement("ledger/list_of_customer", LedgerLine)


def insert(tx: Conn, entries: Sequence[Entry], *, now: datetime) -> int:
    """Write entries; a second one for the same batch, kind and bucket is rejected."""
    return _INSERT.run(
        tx,
        user_ids=[entry.user_id for entry in entries],
        types=[entry.type for entry in entries],
        credits_deltas=[entry.credits_delta for entry in entries],
        ref_types=[entry.ref_type for entry in entries],
        batch_ids=[entry.batch_id for entry in entries],
        metas=[json.dumps(entry.meta) for entry in entries],
        buckets=[entry.bucket for entry in entries],
        balances_after=[entry.balance_after for entry in entries],
        now=now,
    )


def insert_grants(tx: Conn, user_id: UUID, entries: Sequence[GrantEntry], *, now: datetime) -> int:
    """Write what a grant gives and writes off; a second grant under the same request id is rejected."""
    return _INSERT_GRANTS.run(
        tx,
        user_id=user_id,
        types=[entry.type for entry in entries],
        credits_deltas=[entry.credits_delta for entry in entries],
        ref_types=[entry.ref_type for entry in entries],
        ref_ids=[entry.ref_id for entry in entries],
        metas=[json.dumps(entry.meta) for entry in entries],
        buckets=[entry.bucket for entry in entries],
        balances_after=[entry.balance_after for entry in entries],
        now=now,
    )


def find_grant(tx: Conn, user_id: UUID, request_id: str) -> EarlierGrant | None:
    """Find what was granted to a customer under a request id."""
    return next(iter(_FIND_GRANT.all(tx, user_id=user_id, request_id=request_id)), None)


def find_adjustment(tx: Conn, user_id: UUID, request_id: str) -> EarlierGrant | None:
    """Find what was adjusted for a customer under a request id."""
    return next(iter(_FIND_ADJUSTMENT.all(tx, user_id=user_id, request_id=request_id)), None)


def history(tx: Conn, user_id: UUID, wanted: EntriesWanted, *, entry_limit: int) -> list[HistoryLine]:
    """List the rows of a customer that are wanted, the newest first, with what the customer had after each."""
    return _HISTORY.all(
        tx,
        user_id=user_id,
        since=wanted.since,
        until=wanted.until,
        types=[str(one) for one in wanted.types] or None,
        batch_id=wanted.batch_id,
        entry_limit=entry_limit,
    )


def list_of_batch(tx: Conn, batch_id: UUID, *, entry_limit: int) -> list[LedgerLine]:
    """List the rows of a batch, in order."""
    return _LIST_OF_BATCH.all(tx, batch_id=batch_id, entry_limit=entry_limit)


def list_of_customer(tx: Conn, user_id: UUID, *, entry_limit: int) -> list[LedgerLine]:
    """List the last rows of a customer, the newest first."""
    return _LIST_OF_CUSTOMER.all(tx, user_id=user_id, entry_limit=entry_limit)
