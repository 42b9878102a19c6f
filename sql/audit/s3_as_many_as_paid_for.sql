-- A batch that was claimed has as many tasks as it was claimed for.
-- Locks: nothing.
-- Again: says it again.
select
    'batch' as kind,
    b.id::text as id,
    concat(b.status, ', tasks ', b.task_count, ', claimed for ', coalesce(b.total_count::text, 'null')) as detail,
    count(*) over () as found
from batchctl_audited(%(since)s) as b
where
    b.status <> 'queued'
    and coalesce(b.last_error, '') not in (
        'INSUFFICIENT_CREDITS', 'WALLET_NOT_FOUND', 'TASK_COUNT_MISMATCH', 'INVALID_BATCH'
    )
    -- Cancelled before anything was frozen for it.
    and not (b.cancelled_at is not null and b.frozen_credits = 0 and b.status = 'failed')
    and b.task_count is distinct from b.total_count
    -- The original pays for a batch before its tasks are there, and may fail to insert them.
    and not b.created_at < %(old_before)s
order by b.id
limit %(offender_limit)s
