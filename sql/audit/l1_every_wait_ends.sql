-- Nothing that is open waits for longer than a day from now.
-- Locks: nothing.
-- Again: says it again.
with waiting as (
    select 'task' as kind, t.id, t.next_retry_at as until
    from video_tasks as t
    where
        t.status in ('pending', 'queued') and t.batch_job_id is not null and t.hold_reason is null
        and t.next_retry_at > %(now)s::timestamptz + interval '1 day'
    union all
    select 'task', t.id, t.next_poll_at
    from video_tasks as t
    where
        t.status = 'processing' and t.grsai_task_id is not null and t.batch_job_id is not null
        and t.hold_reason is null
        and t.next_poll_at > %(now)s::timestamptz + interval '1 day'
    union all
    select 'delivery', d.id, d.next_attempt_at
    from webhook_deliveries as d
    where d.status in ('pending', 'retrying') and d.next_attempt_at > %(now)s::timestamptz + interval '1 day'
)

select w.kind, w.id::text as id, concat('waits until ', w.until) as detail, count(*) over () as found
from waiting as w
order by w.until desc, w.id
limit %(offender_limit)s
