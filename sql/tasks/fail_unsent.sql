-- Fail tasks that wait to be sent, each for its own reason.
-- Locks: these tasks (the caller holds them); then, by the trigger, their batches.
-- Again: changes nothing, for they are no longer pending.
update video_tasks as t
set
    status = 'failed',
    failure_type = f.failure_type,
    error_message = f.error,
    last_error = coalesce(t.last_error, f.error),
    next_retry_at = null,
    completed_at = %(now)s,
    updated_at = %(now)s
from unnest(%(ids)s::uuid[], %(failure_types)s::text[], %(errors)s::text[]) as f (id, failure_type, error)
where t.id = f.id and t.id = any(%(ids)s::uuid[]) and t.status in ('pending', 'queued')
