-- Find batches that the original worker left in a state of its own, or that are in its hands at this moment.
-- Locks: these batches, skipping those that another worker holds.
-- Again: finds the same batches until they are moved on or put on hold.
with picked as materialized (
    select
        id, user_id, status, settlement_status, total_count, cost_per_video, frozen_credits, credits_spent, task_count,
        tasks_pending, tasks_in_flight, tasks_succeeded, tasks_failed, last_error, created_at, enqueued_at, updated_at,
        case when coalesce(webhook_status, 'pending') not in ('sent', 'failed') then webhook_url end as webhook_url
    from batch_jobs
    where next_step = 'adopt'
    order by created_at, id
    limit %(batch_limit)s
    for no key update skip locked
)

select
    p.id,
    p.user_id,
    p.status,
    p.settlement_status <> 'pending' as is_settled,
    p.total_count,
    p.cost_per_video,
    p.frozen_credits,
    p.credits_spent,
    p.task_count,
    p.tasks_pending,
    p.tasks_in_flight,
    p.tasks_succeeded as succeeded_count,
    p.tasks_failed as failed_count,
    p.last_error,
    p.webhook_url,
    greatest(p.created_at, p.enqueued_at) > %(missing_since)s as may_get_tasks,
    p.updated_at <= %(quiet_since)s
    and not exists (
        select from video_tasks as t where t.batch_job_id = p.id and t.updated_at > %(quiet_since)s
    ) as is_quiet
from picked as p
order by p.id
