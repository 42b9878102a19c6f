-- Find failed tasks of a batch in the order of their places, all or chosen ones.
-- Locks: nothing: a failed task stays so.
-- Again: finds them again.
select id
from video_tasks
where
    batch_job_id = %(batch_id)s and status = 'failed'
    and (%(failure_type)s::text is null or coalesce(failure_type, 'unknown') = %(failure_type)s)
    and (%(task_ids)s::uuid[] is null or id = any(%(task_ids)s::uuid[]))
order by batch_index, id
