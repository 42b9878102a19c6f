-- List a customer's batches with their money and what their customer was told, the oldest first.
-- Locks: nothing.
-- Again: lists them again.
select
    b.id,
    b.status,
    coalesce(b.total_count, 0) as total_count,
    b.success_count,
    b.failed_count,
    b.frozen_credits,
    b.credits_spent,
    (
        select coalesce(sum(l.credits_delta), 0)::bigint from credit_ledger as l
        where l.ref_id = b.id::text and l.ref_type = 'batch_refund'
    ) as credits_refunded,
    b.last_error,
    b.webhook_status,
    b.webhook_attempts
from batch_jobs as b
where b.user_id = %(user_id)s
order by b.created_at, b.id
