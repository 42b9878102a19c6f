-- Read what the tasks of a batch were enqueued with, those from one place in it up to another.
-- Locks: nothing.
-- Again: reads it again.
select
    t.batch_index,
    t.prompt,
    t.model,
    t.reference_url,
    t.aspect_ratio,
    t.duration,
    t.size,
    t.meta
from video_tasks as t
where t.batch_job_id = %(batch_id)s and t.batch_index >= %(first_index)s and t.batch_index < %(end_index)s
order by t.batch_index
