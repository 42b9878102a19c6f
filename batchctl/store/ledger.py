"""Statements on credit_ledger."""

import json
from collections.abc import Sequence
from datetime import datetime

from batchctl.domain.credit import Entry
from batchctl.statement import Conn, NoRow, Statement

_INSERT = Statement("ledger/insert", NoRow)


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
