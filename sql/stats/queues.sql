-- Say how much work is open, and since when the oldest of each kind is due. None of it depends on what has ended.
-- Locks: nothing.
-- Again: says it again.
select
    b.queued_count,
    b.queued_since,
    b.processing_count,
    b.unsettled_count,
    (
        select max(t.completed_at) from video_tasks as t
        where
            t.batch_job_id = (
                select s.id from batch_jobs as s
                where s.next_step = 'settle'
                order by s.created_at, s.id
                limit 1
            )
    ) as unsettled_since,
    (select count(*) from batch_jobs as h where h.hold_reason is not null) as held_batch_count,
    (
        select count(*) from video_tasks as h
        where h.hold_reason is not null and h.status in ('pending', 'queued', 'processing')
    ) as held_task_count,
    b.pending_count,
    b.in_flight_count,
    p.poll_due_count,
    p.poll_due_since,
    d.delivery_due_count,
    d.delivery_due_since,
    o.orphan_count,
    o.orphan_since
from (
    select
        count(*) filter (where status = 'queued') as queued_count,
        min(coalesce(enqueued_at, created_at)) filter (where status = 'queued') as queued_since,
        count(*) filter (where status = 'processing') as processing_count,
        count(*) filter (where next_step = 'settle') as unsettled_count,
        coalesce(sum(tasks_pending), 0)::bigint as pending_count,
        coalesce(sum(tasks_in_flight), 0)::bigint as in_flight_count
    from batch_jobs
    where status in ('queued', 'processing')
) as b
cross join (
    select count(*) as poll_due_count, min(coalesce(next_poll_at, last_poll_at, updated_at)) as poll_due_since
    from video_tasks
    where
        status = 'processing' and grsai_task_id is not null and hold_reason is null
        and batch_job_id is not null and coalesce(next_poll_at, %(now)s) <= %(now)s
) as p
cross join (
    select count(*) as delivery_due_count, min(next_attempt_at) as delivery_due_since
    from webhook_deliveries
    where status in ('pending', 'retrying') and next_attempt_at <= %(now)s
) as d
cross join (
    select count(*) as orphan_count, min(claimed_at) as orphan_since
    from video_tasks
    where
        status = 'processing' and grsai_task_id is null and hold_reason is null
        and batch_job_id is not null and claimed_at < %(orphaned_before)s
) as o
