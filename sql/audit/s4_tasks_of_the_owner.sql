-- A task belongs to the customer of its batch.
-- Locks: nothing.
-- Again: says it again.
select
    'task' as kind,
    t.id::text as id,
    concat('of customer ', t.user_id, ' in batch ', b.id, ' of customer ', b.user_id) as detail,
    count(*) over () as found
from batchctl_audited(%(since)s) as b
inner join video_tasks as t on b.id = t.batch_job_id
where t.user_id <> b.user_id
order by t.id
limit %(offender_limit)s
