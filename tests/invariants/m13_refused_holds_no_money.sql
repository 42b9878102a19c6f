-- A batch that was refused holds no money and was not settled.
select b.id from batch_jobs as b
where
    b.last_error in ('INSUFFICIENT_CREDITS', 'WALLET_NOT_FOUND', 'TASK_COUNT_MISMATCH', 'INVALID_BATCH')
    and (
        b.status <> 'failed' or b.frozen_credits <> 0 or b.settlement_status <> 'pending'
        or exists (
            select from credit_ledger as l
            where l.ref_id = b.id::text and l.ref_type in ('batch_upfront', 'batch_refund')
        )
    )
