-- Find the ids, between two, of what is on hold, and of batches of which a task is on hold.
-- Locks: nothing.
-- Again: finds them again.
select h.id
from (
    select b.id from batch_jobs as b
    where b.hold_reason is not null
    union
    select t.id from video_tasks as t
    where t.hold_reason is not null and t.batch_job_id is not null
    union
    select o.batch_job_id from video_tasks as o
    where o.hold_reason is not null and o.batch_job_id is not null
) as h
where h.id between %(first)s and %(last)s
order by h.id
limit %(hold_limit)s
