-- Say since when the oldest of each kind of work is due, what stands still, and when the last pass with work was.
-- Locks: nothing.
-- Again: says it again.
select
    (
        select min(coalesce(b.enqueued_at, b.created_at)) from batch_jobs as b
        where b.next_step in ('claim', 'refuse', 'close', 'adopt')
    ) as claim_due_since,
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
