-- Fail tasks at the provider that a limit ends, without asking once more.
-- Locks: these tasks (the caller holds them); then, by the trigger, their batches.
-- Again: changes nothing, for they are no longer in processing.
update video_tasks as t
set
    status = 'failed',
    failure_type = 'timeout',
    error_message = case
        when t.poll_count >= %(max_poll_count)s then %(max_poll_count_error)s else 'TASK_DEADLINE_REACHED'
    end,
    next_poll_at = null,
    completed_at = %(now)s,
    updated_at = %(now)s
where t.id = any(%(ids)s::uuid[]) and t.status = 'processing'
returning t.id, t.poll_count >= %(max_poll_count)s as by_poll_count
