-- List batches with their money and what their customers were told: those that are named, else the newest in some
-- states that are wanted. Each state has its own newest ones by index, so that the cost is that of the lines and not of
-- the history; what a batch must have among its tasks is looked up by their index, batch by batch. No column is asked
-- for that a viewer may not read.
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
    b.created_at,
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
    b.webhook_attempts,
    b.cancelled_at,
    b.retry_of
from
    unnest(%(statuses)s::text[]) as wanted (status)
cross join
    lateral (
        select
            named.id, named.created_at, named.user_id, named.status, named.total_count, named.success_count,
            named.failed_count, named.tasks_succeeded, named.tasks_failed, named.frozen_credits, named.credits_spent,
            named.last_error, named.hold_reason, named.webhook_status, named.webhook_attempts, named.cancelled_at,
            named.retry_of
        from batch_jobs as named
        where named.id = any(%(ids)s::uuid[]) and named.status = wanted.status
        union all
        (
            select
                found.id, found.created_at, found.user_id, found.status, found.total_count, found.success_count,
                found.failed_count, found.tasks_succeeded, found.tasks_failed, found.frozen_credits,
                found.credits_spent, found.last_error, found.hold_reason, found.webhook_status,
                found.webhook_attempts, found.cancelled_at, found.retry_of
            from batch_jobs as found
            where
                %(ids)s::uuid[] is null
                and found.status = wanted.status
                and (%(user_id)s::uuid is null or found.user_id = %(user_id)s)
                and (%(since)s::timestamptz is null or found.created_at >= %(since)s)
                and (%(until)s::timestamptz is null or found.created_at < %(until)s)
                and (
                    not %(only_held)s
                    or found.hold_reason is not null
                    or found.id = any(array(select h.batch_job_id from held as h))
                )
                and (
                    (%(model)s::text is null and %(failure_type)s::text is null)
                    -- Not `exists`: the server would read the tasks of all batches for it.
                    or coalesce((
                        select true from video_tasks as t
                        where
                            t.batch_job_id = found.id
                            and (%(model)s::text is null or t.model = %(model)s)
                            and (
                                %(failure_type)s::text is null
                                or (t.status = 'failed' and coalesce(t.failure_type, 'unknown') = %(failure_type)s)
                            )
                        limit 1
                    ), false)
                )
            order by found.created_at desc, found.id desc
            limit %(batch_limit)s
        )
    ) as b
order by b.created_at desc, b.id desc
limit %(batch_limit)s
