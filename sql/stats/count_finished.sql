-- Count the tasks of batches that ended in a window of time, and those of the window before it, in one pass over them:
-- by time and type of failure, by model, by the provider's reason, by customer, by error, and by the reason for which
-- tasks were never started. Of the last five the largest are returned, and key_count says how many there are. The
-- error's task is the last one with it.
-- Locks: nothing.
-- Again: counts them again.
with ended as not materialized (
    select
        t.id, t.user_id, t.batch_job_id, t.status, t.model, t.grsai_task_id, t.attempts, t.failure_type,
        t.failure_reason, t.error_message, t.completed_at as ended_at
    from video_tasks as t
    where
        t.status in ('succeeded', 'failed') and t.batch_job_id is not null
        and (%(batch_ids)s::uuid[] is null or t.batch_job_id = any(%(batch_ids)s::uuid[]))
        and (%(user_id)s::uuid is null or t.user_id = %(user_id)s)
        and (%(model)s::text is null or t.model = %(model)s)
        and t.completed_at >= %(before)s and t.completed_at < %(until)s
    union all
    -- The original worker left tasks that do not say when they ended; they were changed last then.
    select
        t.id, t.user_id, t.batch_job_id, t.status, t.model, t.grsai_task_id, t.attempts, t.failure_type,
        t.failure_reason, t.error_message, coalesce(t.updated_at, t.created_at) as ended_at
    from video_tasks as t
    where
        t.status in ('succeeded', 'failed') and t.batch_job_id is not null
        and (%(batch_ids)s::uuid[] is null or t.batch_job_id = any(%(batch_ids)s::uuid[]))
        and (%(user_id)s::uuid is null or t.user_id = %(user_id)s)
        and (%(model)s::text is null or t.model = %(model)s)
        and t.completed_at is null
        and coalesce(t.updated_at, t.created_at) >= %(before)s and coalesce(t.updated_at, t.created_at) < %(until)s
),

finished as not materialized (
    select
        t.user_id,
        t.ended_at,
        t.ended_at >= %(since)s as is_asked,
        date_bin(make_interval(secs => %(bucket_s)s), t.ended_at, timestamptz 'epoch') as bucket_at,
        left(coalesce(t.model, ''), 200) as model,
        case
            when t.status = 'succeeded' then 'succeeded'
            -- Of a batch that was refused or given up before it was paid for, or cancelled: it was never sent.
            when
                t.grsai_task_id is null and (
                    t.attempts = 0
                    or (b.cancelled_at is not null and t.error_message = 'CANCELLED')
                    or (b.status = 'failed' and b.settlement_status = 'pending' and b.frozen_credits = 0)
                )
                then 'not started'
            else 'failed'
        end as outcome,
        case
            when t.status = 'succeeded' then null
            when t.failure_type in ('model_error', 'param_error', 'timeout', 'network') then t.failure_type
            else 'unknown'
        end as failure_type,
        case when t.status = 'failed' then left(coalesce(t.failure_reason, ''), 200) end as reason,
        case when t.status = 'failed' then left(coalesce(t.error_message, ''), 200) end as error,
        case when t.status = 'failed' and b.settlement_status = 'refunded' then b.cost_per_video end as refunded_credits
    from ended as t
    inner join batch_jobs as b on t.batch_job_id = b.id
),

counted as (
    select
        case
            when grouping(f.bucket_at) = 0 then 'type'
            when grouping(f.model) = 0 then 'model'
            when grouping(f.reason) = 0 then 'reason'
            when grouping(f.user_id) = 0 then 'customer'
            when f.outcome = 'not started' then 'not started'
            else 'error'
        end as dimension,
        f.bucket_at,
        f.failure_type,
        coalesce(f.model, f.reason, f.user_id::text, f.error, '') as key,
        count(*) filter (where f.is_asked and f.outcome = 'succeeded') as succeeded_count,
        count(*) filter (where f.is_asked and f.outcome = 'failed') as failed_count,
        count(*) filter (where f.is_asked and f.outcome = 'not started') as not_started_count,
        count(*) filter (where not f.is_asked and f.outcome = 'succeeded') as succeeded_before,
        count(*) filter (where not f.is_asked and f.outcome = 'failed') as failed_before,
        coalesce(sum(f.refunded_credits) filter (where f.is_asked and f.outcome = 'failed'), 0) as credits_refunded,
        max(f.ended_at) as last_ended_at
    from finished as f
    group by grouping sets ((f.bucket_at, f.failure_type), (f.model), (f.reason), (f.user_id), (f.outcome, f.error))
),

ranked as (
    select
        c.*,
        count(*) over (partition by c.dimension) as key_count,
        row_number() over (
            partition by c.dimension
            order by c.failed_count desc, c.not_started_count desc, c.succeeded_count desc, c.key
        ) as place
    from counted as c
    where
        c.failed_count > 0 or c.dimension = 'type' or (c.dimension = 'not started' and c.not_started_count > 0)
        or (c.dimension = 'model' and c.succeeded_count > 0)
)

select
    r.dimension,
    r.bucket_at,
    r.failure_type,
    r.key,
    r.succeeded_count,
    r.failed_count,
    r.not_started_count,
    r.succeeded_before,
    r.failed_before,
    least(r.credits_refunded, 9223372036854775807)::bigint as credits_refunded,
    r.last_ended_at,
    case
        when r.dimension = 'error'
            then (
                select e.id from ended as e
                where
                    e.ended_at = r.last_ended_at and e.status = 'failed'
                    and left(coalesce(e.error_message, ''), 200) = r.key
                order by e.id
                limit 1
            )
    end as task_id,
    r.key_count
from ranked as r
where r.dimension = 'type' or r.place <= %(key_limit)s
order by r.dimension, r.bucket_at, r.failure_type, r.place
