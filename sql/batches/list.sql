-- List the newest batches in some states, with their money and what their customers were told. Each state has its own
-- newest ones by index, so that the cost is that of the lines and not of the history.
-- Locks: nothing.
-- Again: lists them again.
with held as materialized (
    select
        task.batch_job_id,
        count(*) as task_count
    from
        unnest(array['pending', 'queued', 'processing']) as open_state (status)
    cross join
        lateral (
            select t.batch_job_id from video_tasks as t
            where t.status = open_state.status and t.hold_reason is not null and t.batch_job_id is not null
        ) as task
    group by task.batch_job_id
)

select
    b.id,
    case when b.created_at between '0001-01-02' and '9999-12-30' then b.created_at end as created_at,
    b.user_id,
    b.status,
    coalesce(b.total_count, 0) as total_count,
    case when b.status in ('queued', 'processing') then b.tasks_succeeded else b.success_count end as success_count,
    case when b.status in ('queued', 'processing') then b.tasks_failed else b.failed_count end as failed_count,
    b.frozen_credits,
    b.credits_spent,
    (
        select coalesce(sum(l.credits_delta), 0)::bigint from credit_ledger as l
        where l.ref_id = b.id::text and l.ref_type = 'batch_refund'
    ) as credits_refunded,
    b.last_error,
    b.hold_reason,
    coalesce((select h.task_count from held as h where h.batch_job_id = b.id), 0) as tasks_on_hold,
    b.webhook_status,
    b.webhook_attempts
from
    unnest(%(statuses)s::text[]) as wanted (status)
cross join
    lateral (
        select * from batch_jobs as found
        where
            found.status = wanted.status
            and (%(user_id)s::uuid is null or found.user_id = %(user_id)s)
            and (%(since)s::timestamptz is null or found.created_at >= %(since)s)
            and (%(until)s::timestamptz is null or found.created_at < %(until)s)
            and (
                not %(only_held)s
                or found.hold_reason is not null
                or found.id = any(array(select h.batch_job_id from held as h))
            )
        order by found.created_at desc, found.id desc
        limit %(batch_limit)s
    ) as b
order by b.created_at desc, b.id desc
limit %(batch_limit)s
