-- Count tasks of batches that ended since an instant, by how.
-- Locks: nothing.
-- Again: counts them again.
select
    t.status,
    t.failure_type,
    count(*) as tasks
from video_tasks as t
where t.status in ('succeeded', 'failed') and t.batch_job_id is not null and t.completed_at >= %(since)s
group by t.status, t.failure_type
order by t.status, t.failure_type
