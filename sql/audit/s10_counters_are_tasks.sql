-- The counters of a batch, by which all work is found, are what counting its tasks says.
-- Locks: nothing.
-- Again: says it again.
with batch as (
    select
        b.id,
        array[b.task_count, b.tasks_pending, b.tasks_in_flight, b.tasks_succeeded, b.tasks_failed] as kept,
        array[
            count(t.id)::int,
            count(*) filter (where t.status in ('pending', 'queued'))::int,
            count(*) filter (where t.status = 'processing')::int,
            count(*) filter (where t.status = 'succeeded')::int,
            count(*) filter (where t.status = 'failed')::int
        ] as counted
    from batchctl_audited(%(since)s) as b
    left join video_tasks as t on b.id = t.batch_job_id
    where
        -- What had ended when the database was adopted was never counted.
        not (
            b.created_at < %(old_before)s and b.completed_at is null
            and b.status in ('completed', 'partial', 'failed')
            and (b.status <> 'failed' or b.settlement_status <> 'pending')
        )
    group by b.id, b.task_count, b.tasks_pending, b.tasks_in_flight, b.tasks_succeeded, b.tasks_failed
)

select
    'batch' as kind,
    b.id::text as id,
    concat('all, pending, in flight, succeeded, failed: kept ', b.kept, ', counted ', b.counted) as detail,
    count(*) over () as found
from batch as b
where b.kept <> b.counted
order by b.id
limit %(offender_limit)s
