-- A finished batch is settled, and a settled batch is finished.
select id, status, settlement_status from batch_jobs
where
    coalesce(last_error, '') not in (
        'INSUFFICIENT_CREDITS', 'WALLET_NOT_FOUND', 'TASK_COUNT_MISMATCH', 'INVALID_BATCH'
    )
    and (status in ('completed', 'partial', 'failed')) <> (settlement_status <> 'pending')
