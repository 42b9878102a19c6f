-- Count the failed tasks of a batch by their type of failure, the most frequent first.
-- Locks: nothing.
-- Again: counts them again.
select
    failure_type,
    count(*) as count
from video_tasks
where batch_job_id = %(batch_id)s and status = 'failed'
group by failure_type
order by count(*) desc, failure_type
