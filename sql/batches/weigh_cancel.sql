-- Say how batches stand, for whoever wants to cancel them.
-- Locks: nothing (whoever is about to write holds them).
-- Again: says it again.
select
    id,
    user_id,
    status,
    hold_reason,
    cancelled_at,
    total_count,
    coalesce(cost_per_video, 0) as cost_per_video,
    frozen_credits,
    settlement_status <> 'pending' as is_settled,
    task_count,
    tasks_pending,
    tasks_in_flight,
    webhook_url
from batch_jobs
where id = any(%(ids)s::uuid[])
order by created_at desc, id desc
