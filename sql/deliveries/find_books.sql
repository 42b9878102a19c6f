-- Find what the books say of ended batches, for an event that nobody wrote when they ended.
-- Locks: nothing (the caller holds these batches).
-- Again: finds it again.
select
    b.id as batch_id,
    b.user_id,
    b.status,
    coalesce(b.total_count, 0) as total_count,
    coalesce(b.success_count, 0) as success_count,
    coalesce(b.failed_count, 0) as failed_count,
    coalesce(b.credits_spent, 0) as credits_spent,
    case
        when b.settlement_status <> 'pending' then greatest(b.frozen_credits - b.credits_spent, 0)
        else 0
    end::bigint as credits_refunded,
    b.last_error,
    coalesce(b.completed_at, b.updated_at) as ended_at
from batch_jobs as b
where b.id = any(%(batch_ids)s::uuid[])
