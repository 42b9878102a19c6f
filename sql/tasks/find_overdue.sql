-- Find pending tasks that were tried and could not be submitted before their deadline, each with what kept it. One that
-- a pause kept from being tried is tried once before its deadline counts, or has the whole time anew.
-- Locks: these tasks, skipping locked ones.
-- Again: finds them again until they are failed.
select id, coalesce(blocked_by, 'network') as failure_type, 'TASK_DEADLINE_REACHED' as error
from video_tasks
where
    status in ('pending', 'queued') and batch_job_id is not null and hold_reason is null
    and first_attempt_at <= %(first_attempt_before)s
    and not exists (
        select from pauses as p
        where p.stage = 'dispatch' and p.resumed_at > greatest(claimed_at, %(first_attempt_before)s)
    )
order by first_attempt_at
limit %(task_limit)s
for update skip locked
