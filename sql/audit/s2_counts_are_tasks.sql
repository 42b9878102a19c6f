-- What a settled batch says it came to, in counts and in a word, is what its tasks came to.
-- Locks: nothing.
-- Again: says it again.
select
    'batch' as kind,
    b.id::text as id,
    concat(
        b.status, ', ', b.success_count, ' succeeded, ', b.failed_count, ' failed; tasks ', b.task_count,
        ', of which ', b.tasks_succeeded, ' and ', b.tasks_failed
    ) as detail,
    count(*) over () as found
from batchctl_audited(%(since)s) as b
where
    b.settlement_status <> 'pending'
    and b.status in ('completed', 'partial', 'failed')
    -- That these counters are what counting says is s10.
    and (
        (b.success_count, b.failed_count) <> (b.tasks_succeeded, b.tasks_failed)
        or b.tasks_succeeded + b.tasks_failed <> b.task_count
        or b.status <> case
            when b.tasks_succeeded = 0 then 'failed'
            when b.tasks_succeeded = b.total_count then 'completed'
            else 'partial'
        end
    )
    -- The original counts as it likes, and writes no completed_at.
    and not (b.created_at < %(old_before)s and b.completed_at is null)
order by b.id
limit %(offender_limit)s
