-- Decide about a task of which nobody knew whether the provider had accepted it: it is asked for under that id, fails,
-- or is sent once more. What goes on has its whole time anew, for it waited for a person.
-- Locks: this task (the caller holds it); then, by the trigger, its batch.
-- Again: changes nothing, for it is decided.
update video_tasks
set
    status = %(status)s,
    grsai_task_id = %(remote_id)s,
    next_poll_at = %(next_poll_at)s,
    next_retry_at = null,
    poll_count = 0,
    resubmits = case when %(status)s = 'pending' then 1 else resubmits end,
    blocked_by = null,
    unknown_since = null,
    hold_reason = null,
    first_attempt_at = case %(status)s
        when 'processing' then %(now)s::timestamptz
        when 'failed' then first_attempt_at
    end,
    failure_type = %(failure_type)s,
    error_message = %(error)s,
    completed_at = case when %(status)s = 'failed' then %(now)s::timestamptz end,
    updated_at = %(now)s
where
    id = %(task_id)s and status = 'processing' and grsai_task_id is null
    and coalesce(attempts, 0) = %(attempts)s and (unknown_since is not null or hold_reason is not null)
