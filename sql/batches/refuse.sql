-- End queued batches for which nothing could be frozen; they are never settled.
-- Locks: these batches (the caller holds them).
-- Again: changes nothing, for they are no longer queued.
update batch_jobs as b
set
    status = 'failed',
    last_error = r.reason,
    failed_count = b.task_count,
    webhook_status = case when b.webhook_url <> '' then 'pending' end,
    completed_at = %(now)s,
    updated_at = %(now)s
from unnest(%(ids)s::uuid[], %(reasons)s::text[]) as r (id, reason)
where b.id = r.id and b.id = any(%(ids)s::uuid[]) and b.status = 'queued'
