-- Claim tasks for a poll: until the lease ends nobody else asks for them.
-- Locks: these tasks (the caller holds them).
-- Again: claims them anew; only who holds them runs it.
update video_tasks as t
set
    next_poll_at = %(lease_until)s,
    last_poll_at = %(now)s,
    -- A task that another worker submitted has no such time: its deadline counts from when it is first asked for here.
    first_attempt_at = coalesce(t.first_attempt_at, %(now)s),
    updated_at = %(now)s
where t.id = any(%(ids)s::uuid[])
returning t.id, t.user_id, t.grsai_task_id as remote_id, t.provider_host, t.claimed_at, t.poll_count, t.poll_errors
