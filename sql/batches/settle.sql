-- Close the books of finished batches; the caller moves the money in the same transaction.
-- Locks: these batches (the caller holds them).
-- Again: changes nothing, for they are no longer pending.
update batch_jobs as b
set
    status = s.status,
    settlement_status = s.settlement_status,
    success_count = s.success_count,
    failed_count = s.failed_count,
    credits_spent = s.credits_spent,
    webhook_status = coalesce(s.webhook_status, b.webhook_status),
    completed_at = coalesce(b.completed_at, %(now)s),
    updated_at = %(now)s
from
    unnest(
        %(ids)s::uuid[],
        %(statuses)s::text[],
        %(settlement_statuses)s::text[],
        %(success_counts)s::int[],
        %(failed_counts)s::int[],
        %(credits_spent)s::bigint[],
        %(webhook_statuses)s::text[]
    ) as s (id, status, settlement_status, success_count, failed_count, credits_spent, webhook_status)
where b.id = s.id and b.id = any(%(ids)s::uuid[]) and b.next_step = 'settle'
