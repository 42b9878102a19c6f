-- Claim tasks for sending. The row says what is about to be tried before it is tried.
-- Locks: these tasks (the caller holds them and their batches).
-- Again: changes nothing, for they are no longer pending.
update video_tasks as t
set
    status = 'processing',
    attempts = coalesce(t.attempts, 0) + 1,
    first_attempt_at = coalesce(t.first_attempt_at, %(now)s),
    claimed_at = %(now)s,
    next_retry_at = null,
    blocked_by = null,
    unknown_since = null,
    provider_host = %(provider_host)s,
    updated_at = %(now)s
where t.id = any(%(ids)s::uuid[]) and t.status in ('pending', 'queued')
returning
    t.id,
    t.user_id,
    t.attempts,
    t.submit_errors,
    t.submit_defers,
    t.resubmits,
    t.first_attempt_at,
    t.claimed_at,
    t.unknown_since,
    t.blocked_by,
    t.model,
    t.prompt,
    t.reference_url,
    t.aspect_ratio,
    t.duration,
    t.size,
    t.meta::text as meta
