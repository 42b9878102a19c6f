-- Say when something becomes due next that no pause holds up: a poll, a submission put off, a webhook try.
-- Locks: nothing.
-- Again: says it again.
select
    least(
        (
            select min(coalesce(next_poll_at, %(now)s)) from video_tasks
            where
                status = 'processing' and grsai_task_id is not null and hold_reason is null
                and batch_job_id is not null
                and not exists (select from pauses as p where p.stage = 'poll' and p.resumed_at is null)
        ),
        (
            select min(next_retry_at) from video_tasks
            where
                status in ('pending', 'queued') and first_attempt_at is not null
                and batch_job_id is not null and hold_reason is null
                and not exists (select from pauses as p where p.stage = 'dispatch' and p.resumed_at is null)
        ),
        (
            select min(next_attempt_at) from webhook_deliveries
            where
                status in ('pending', 'retrying') and next_attempt_at is not null
                and not exists (select from pauses as p where p.stage = 'webhook' and p.resumed_at is null)
        )
    ) as due_at
