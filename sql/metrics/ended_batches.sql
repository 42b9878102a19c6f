-- Count batches that ended since an instant, with their money, by how they ended and whether their customers were told.
-- Locks: nothing.
-- Again: counts them again.
select
    b.status,
    b.webhook_status,
    count(*) as batches,
    least(sum(b.credits_spent), 9223372036854775807)::bigint as credits_spent,
    least(
        coalesce(sum(b.frozen_credits::numeric - b.credits_spent) filter (where b.settlement_status <> 'pending'), 0),
        9223372036854775807
    )::bigint as credits_refunded
from batch_jobs as b
where b.completed_at >= %(since)s and b.status in ('completed', 'partial', 'failed')
group by b.status, b.webhook_status
order by b.status, b.webhook_status
