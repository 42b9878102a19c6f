-- Move batches of the original worker on to the state that follows, or put them on hold.
-- Locks: these batches (the caller holds them).
-- Again: changes nothing, for they have left that state.
update batch_jobs as b
set
    status = r.status,
    success_count = coalesce(r.success_count, b.success_count),
    failed_count = coalesce(r.failed_count, b.failed_count),
    completed_at = coalesce(b.completed_at, case when r.success_count is not null then %(now)s::timestamptz end),
    webhook_status = coalesce(r.webhook_status, b.webhook_status),
    hold_reason = r.hold_reason,
    updated_at = %(now)s
from
    unnest(
        %(ids)s::uuid[],
        %(statuses)s::text[],
        %(success_counts)s::int[],
        %(failed_counts)s::int[],
        %(webhook_statuses)s::text[],
        %(hold_reasons)s::text[]
    ) as r (id, status, success_count, failed_count, webhook_status, hold_reason)
where b.id = r.id and b.id = any(%(ids)s::uuid[]) and b.next_step = 'adopt'
