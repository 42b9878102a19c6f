-- Fail tasks at the provider that have used up their polls or passed their deadline, without asking once more.
-- Locks: these tasks, skipping locked ones; then, by the trigger, their batches.
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
where
    t.id = any(array(
        select d.id from video_tasks as d
        where
            d.status = 'processing'
            and d.grsai_task_id is not null
            and d.hold_reason is null
            and d.batch_job_id is not null
            and (d.poll_count >= %(max_poll_count)s or d.first_attempt_at <= %(first_attempt_before)s)
        limit %(task_limit)s
        for update skip locked
    ))
returning t.id, t.poll_count >= %(max_poll_count)s as by_poll_count
