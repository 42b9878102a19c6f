-- Find queued batches that can never be claimed: impossible numbers, too many tasks, or tasks missing for too long.
-- Locks: these batches, skipping those that another worker holds.
-- Again: finds the same batches until they are refused.
select
    id,
    user_id,
    case
        when coalesce(total_count, 0) <= 0 or coalesce(cost_per_video, -1) < 0 then 'INVALID_BATCH'
        else 'TASK_COUNT_MISMATCH'
    end as reason,
    total_count,
    task_count,
    webhook_url
from batch_jobs
where
    next_step in ('refuse', 'fill')
    and (next_step = 'refuse' or coalesce(greatest(created_at, enqueued_at), '-infinity') <= %(missing_since)s)
order by created_at, id
limit %(batch_limit)s
for no key update skip locked
