-- Find tasks that were claimed for sending and have no provider id for too long: their worker died, or the outcome
-- of the submission stayed unknown and no callback brought an answer in time.
-- Locks: these tasks, skipping locked ones.
-- Again: finds the same tasks until their fate is recorded.
select
    id,
    user_id,
    coalesce(attempts, 0) as attempts,
    submit_errors,
    submit_defers,
    resubmits,
    coalesce(first_attempt_at, claimed_at, updated_at, created_at) as first_attempt_at,
    coalesce(claimed_at, updated_at, created_at) as claimed_at,
    unknown_since,
    blocked_by,
    model,
    prompt,
    reference_url,
    aspect_ratio,
    duration,
    size,
    meta::text as meta
from video_tasks
where
    status = 'processing' and grsai_task_id is null and batch_job_id is not null and hold_reason is null
    and case
        when unknown_since is null then coalesce(claimed_at, updated_at, created_at) <= %(claimed_before)s
        else unknown_since <= %(unknown_before)s or first_attempt_at <= %(first_attempt_before)s
    end
order by id
limit %(task_limit)s
for no key update skip locked
