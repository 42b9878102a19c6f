-- Find tasks that are due for a poll, the longest due first.
-- Locks: these tasks, skipping locked ones.
-- Again: finds them again until they are claimed; a task already asked for in this pass is left for the next pass.
select id
from video_tasks
where
    status = 'processing' and grsai_task_id is not null and hold_reason is null and batch_job_id is not null
    and (next_poll_at is null or next_poll_at <= %(now)s)
    and (last_poll_at is null or last_poll_at < %(asked_before)s or last_poll_at > %(now)s)
order by next_poll_at nulls first, id
limit %(task_limit)s
for update skip locked
