-- Count the tasks of a batch by what they wait for, and say since when or until when they do.
-- Locks: nothing.
-- Again: counts them again.
select
    count(*) as total,
    count(*) filter (where t.status in ('pending', 'queued')) as pending,
    count(*) filter (where t.status = 'processing' and t.grsai_task_id is null) as in_doubt,
    count(*) filter (where t.status = 'processing' and t.grsai_task_id is not null) as at_provider,
    count(*) filter (where t.status = 'succeeded') as succeeded,
    count(*) filter (where t.status = 'failed') as failed,
    count(*) filter (where t.status in ('pending', 'queued', 'processing') and t.hold_reason is not null) as on_hold,
    min(t.hold_reason) filter (where t.status in ('pending', 'queued', 'processing')) as hold_reason,
    min(t.start_due_at) as start_due_at,
    min(t.claimed_at) filter (where t.status = 'processing' and t.grsai_task_id is null) as in_doubt_since,
    min(t.poll_due_at) as poll_due_at,
    min(t.first_attempt_at) as first_sent_at,
    max(t.completed_at) filter (where t.status in ('succeeded', 'failed')) as last_finished_at
from (
    select
        status,
        grsai_task_id,
        hold_reason,
        first_attempt_at,
        completed_at,
        claimed_at,
        case
            when status in ('pending', 'queued') and hold_reason is null
                then coalesce(next_retry_at, %(now)s)
        end as start_due_at,
        case
            when status = 'processing' and grsai_task_id is not null and hold_reason is null
                then coalesce(next_poll_at, %(now)s)
        end as poll_due_at
    from video_tasks
    where batch_job_id = %(batch_id)s
) as t
