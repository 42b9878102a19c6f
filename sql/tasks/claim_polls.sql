-- Claim due tasks for a poll, the longest due first: until the lease ends nobody else asks for them.
-- Locks: these tasks, skipping locked ones.
-- Again: takes the next ones; a task already asked for in this pass is left for the next pass.
with due as materialized (
    select id
    from video_tasks
    where
        status = 'processing' and grsai_task_id is not null and hold_reason is null and batch_job_id is not null
        and (next_poll_at is null or next_poll_at <= %(now)s)
        and (last_poll_at is null or last_poll_at < %(asked_before)s or last_poll_at > %(now)s)
    order by next_poll_at nulls first, id
    limit %(task_limit)s
    for update skip locked
)

update video_tasks as t
set
    next_poll_at = %(lease_until)s,
    last_poll_at = %(now)s,
    -- A task that another worker submitted has no such time: its deadline counts from when it is first asked for here.
    first_attempt_at = coalesce(t.first_attempt_at, %(now)s),
    updated_at = %(now)s
where t.id = any(array(select id from due))
returning t.id, t.user_id, t.grsai_task_id as remote_id, t.provider_host, t.claimed_at, t.poll_count, t.poll_errors
