-- Write what became of submissions: accepted, back to pending, in doubt, or failed.
-- Locks: these tasks, while each is still claimed by the submission it names; then, by the trigger, their batches.
-- Again: changes nothing: the claim that a row names is over.
update video_tasks as t
set
    status = r.status,
    grsai_task_id = r.remote_id,
    next_poll_at = r.next_poll_at,
    next_retry_at = r.next_retry_at,
    submit_errors = r.submit_errors,
    submit_defers = r.submit_defers,
    resubmits = r.resubmits,
    blocked_by = r.blocked_by,
    unknown_since = r.unknown_since,
    last_error = r.last_error,
    error_message = r.error_message,
    failure_type = r.failure_type,
    failure_reason = r.failure_reason,
    hold_reason = r.hold_reason,
    completed_at = case when r.status = 'failed' then %(now)s::timestamptz end,
    updated_at = %(now)s
from
    unnest(
        %(ids)s::uuid[],
        %(attempts)s::int[],
        %(statuses)s::text[],
        %(remote_ids)s::text[],
        %(next_poll_ats)s::timestamptz[],
        %(next_retry_ats)s::timestamptz[],
        %(submit_errors)s::int[],
        %(submit_defers)s::int[],
        %(resubmits)s::int[],
        %(blocked_bys)s::text[],
        %(unknown_sinces)s::timestamptz[],
        %(last_errors)s::text[],
        %(error_messages)s::text[],
        %(failure_types)s::text[],
        %(failure_reasons)s::text[],
        %(hold_reasons)s::text[]
    ) as r (
        id, attempts, status, remote_id, next_poll_at, next_retry_at, submit_errors, submit_defers, resubmits,
        blocked_by, unknown_since, last_error, error_message, failure_type, failure_reason, hold_reason
    )
where
    t.id = r.id and t.id = any(%(ids)s::uuid[])
    and t.status = 'processing' and t.grsai_task_id is null and coalesce(t.attempts, 0) = r.attempts
returning t.id
