-- Find batches of which every task is finished, the oldest first. One that the original worker failed after it was paid
-- for is among them; if that was before its database was adopted, nobody is told of it now.
-- Locks: these batches, skipping those that another worker holds. Their tasks stand still: verdicts never change.
-- Again: finds the same batches until they are settled.
with picked as materialized (
    select
        id, user_id, total_count, cost_per_video, frozen_credits, tasks_succeeded, tasks_failed, last_error,
        webhook_url,
        status = 'failed' and exists (
            select from adoption as a
            where greatest(batch_jobs.created_at, batch_jobs.updated_at, batch_jobs.completed_at) < a.adopted_at
        ) as is_old_failure
    from batch_jobs
    where
        next_step = 'settle' and user_id <> all(%(left_out)s::uuid[])
        and (task_count >= total_count or greatest(created_at, enqueued_at) <= %(missing_since)s)
    order by created_at, id
    limit %(batch_limit)s
    for no key update skip locked
)

select
    p.id,
    p.user_id,
    p.total_count,
    p.cost_per_video,
    p.frozen_credits,
    (
        select coalesce(-sum(l.credits_delta), 0)::bigint from credit_ledger as l
        where
            l.ref_id = p.id::text and l.ref_type = 'batch_upfront'
            and (l.bucket = 'bonus' or (l.bucket is null and l.meta ->> 'use_bonus' = 'true'))
    ) as frozen_bonus,
    p.tasks_succeeded as succeeded_count,
    p.tasks_failed as failed_count,
    p.last_error,
    case when not p.is_old_failure then p.webhook_url end as webhook_url
from picked as p
order by p.id
