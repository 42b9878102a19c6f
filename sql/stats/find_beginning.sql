-- Find when the first of some batches began: before any of its tasks ended, whatever its row says.
-- Locks: nothing.
-- Again: finds it again.
select
    greatest(
        min(least(b.created_at, t.completed_at, coalesce(t.updated_at, t.created_at))), timestamptz 'epoch'
    ) as began_at
from batch_jobs as b
left join video_tasks as t on b.id = t.batch_job_id and t.status in ('succeeded', 'failed')
where b.id = any(%(batch_ids)s::uuid[])
