-- A batch that ended is settled, or was refused; and a settled batch has ended.
-- Locks: nothing.
-- Again: says it again.
select
    'batch' as kind,
    b.id::text as id,
    concat_ws(', ', b.status || ' and ' || b.settlement_status, b.last_error) as detail,
    count(*) over () as found
from batchctl_audited(%(since)s) as b
where
    coalesce(b.last_error, '') not in (
        'INSUFFICIENT_CREDITS', 'WALLET_NOT_FOUND', 'TASK_COUNT_MISMATCH', 'INVALID_BATCH'
    )
    -- Cancelled before anything was frozen for it.
    and not (b.cancelled_at is not null and b.frozen_credits = 0 and b.status = 'failed')
    and (b.status in ('completed', 'partial', 'failed')) <> (b.settlement_status <> 'pending')
    -- The original ends and settles in two transactions, and writes no completed_at.
    and not (b.created_at < %(old_before)s and b.completed_at is null)
order by b.id
limit %(offender_limit)s
