-- Say since when the oldest of each kind of work is due, what stands still, and when the last pass with work was.
-- Locks: nothing.
-- Again: says it again.
select
    least(
        (
            select min(coalesce(b.enqueued_at, b.created_at)) from batch_jobs as b
            where b.next_step in ('claim', 'refuse', 'close', 'adopt')
        ),
        (
            select
                min(coalesce(greatest(b.created_at, b.enqueued_at), '-infinity'))
                + (%(now)s::timestamptz - %(missing_since)s::timestamptz)
            from batch_jobs as b
            where
                b.next_step = 'fill'
                and coalesce(greatest(b.created_at, b.enqueued_at), '-infinity') <= %(missing_since)s
        )
    ) as claim_due_since,
    (
        select min(greatest(first_due.next_retry_at, b.updated_at, last_ended.completed_at)) from batch_jobs as b
        cross join
            (
                select max(e.completed_at) as completed_at from video_tasks as e
                where e.status in ('succeeded', 'failed') and e.batch_job_id is not null
            ) as last_ended
        cross join
            lateral (
                select t.next_retry_at from video_tasks as t
                where
                    t.batch_job_id = b.id and t.status in ('pending', 'queued') and t.hold_reason is null
                    and (t.next_retry_at is null or t.next_retry_at <= %(now)s)
                order by t.next_retry_at nulls first
                limit 1
            ) as first_due
        where
            b.next_step = 'start'
            and not exists (
                select from video_tasks as f
                where f.status = 'processing' and f.batch_job_id is not null and f.hold_reason is null
            )
    ) as start_due_since,
    (
        select min(coalesce(t.next_poll_at, t.last_poll_at, t.updated_at)) from video_tasks as t
        where
            t.status = 'processing' and t.grsai_task_id is not null and t.hold_reason is null
            and t.batch_job_id is not null and coalesce(t.next_poll_at, t.last_poll_at, t.updated_at) <= %(now)s
    ) as poll_due_since,
    (
        select max(t.completed_at) from video_tasks as t
        where
            t.batch_job_id = (
                select b.id from batch_jobs as b
                where b.next_step = 'settle'
                order by b.created_at, b.id
                limit 1
            )
    ) as settle_due_since,
    (
        select min(d.next_attempt_at) from webhook_deliveries as d
        where d.status in ('pending', 'retrying') and d.next_attempt_at <= %(now)s
    ) as delivery_due_since,
    (
        select count(*) from video_tasks as t
        where
            t.status in ('pending', 'queued', 'processing') and t.hold_reason is null
            and t.batch_job_id is not null and t.first_attempt_at < %(overdue_before)s
    ) as overdue_count,
    (
        select count(*) from video_tasks as t
        where
            t.status = 'processing' and t.grsai_task_id is null and t.hold_reason is null
            and t.batch_job_id is not null and t.claimed_at < %(orphaned_before)s and t.unknown_since is null
    ) as orphan_count,
    (select count(*) from batch_jobs as b where b.hold_reason is not null) as held_batch_count,
    (select count(*) from video_tasks as t where t.hold_reason is not null) as held_task_count,
    (
        select count(*) from webhook_deliveries as d
        where d.status in ('pending', 'retrying') and d.last_error = 'WEBHOOK_SECRET_MISSING'
    ) as unsigned_count,
    (select r.started_at from runs as r order by r.id desc limit 1) as last_run_at,
    (select r.exit_code from runs as r order by r.id desc limit 1) as last_exit_code
