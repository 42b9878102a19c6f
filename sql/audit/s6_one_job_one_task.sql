-- A job of the provider serves one task.
-- Locks: nothing.
-- Again: says it again.
with sent as not materialized (
    select
        t.id,
        t.grsai_task_id,
        t.batch_job_id,
        -- Tasks of the original share jobs.
        t.claimed_at is null and t.created_at < %(old_before)s as is_old
    from video_tasks as t
    where t.grsai_task_id is not null and t.batch_job_id is not null
),

shared as (
    select grsai_task_id, count(*) as tasks
    from sent
    where
        not is_old
        and (
            %(since)s::timestamptz is null
            or grsai_task_id = any(array(
                select y.grsai_task_id from batchctl_audited(%(since)s) as b
                inner join sent as y on b.id = y.batch_job_id
            ))
        )
    group by grsai_task_id
    having count(*) > 1
)

select
    'task' as kind,
    s.id::text as id,
    concat('job ', s.grsai_task_id, ', which serves ', d.tasks, ' tasks') as detail,
    count(*) over () as found
from shared as d
inner join sent as s on d.grsai_task_id = s.grsai_task_id
order by s.grsai_task_id, s.id
limit %(offender_limit)s
