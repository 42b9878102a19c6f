-- No task at the provider is past its number of polls.
-- Locks: nothing.
-- Again: says it again.
select
    'task' as kind,
    t.id::text as id,
    concat('asked ', t.poll_count, ' times, the last time ', t.last_poll_at) as detail,
    count(*) over () as found
from video_tasks as t
where
    t.status = 'processing' and t.grsai_task_id is not null and t.batch_job_id is not null and t.hold_reason is null
    and t.poll_count >= %(max_poll_count)s
    -- A task of the original that was not yet asked for here has no first attempt.
    and not (t.created_at < %(old_before)s and t.first_attempt_at is null)
order by t.id
limit %(offender_limit)s
