-- Find tasks at the provider that have used up their polls or passed their deadline.
-- Locks: these tasks, skipping locked ones.
-- Again: finds them again until they are failed.
select id
from video_tasks
where
    status = 'processing'
    and grsai_task_id is not null
    and hold_reason is null
    and batch_job_id is not null
    and (poll_count >= %(max_poll_count)s or first_attempt_at <= %(first_attempt_before)s)
limit %(task_limit)s
for update skip locked
