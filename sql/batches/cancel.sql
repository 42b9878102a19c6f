-- Cancel open batches: nothing of them is sent from now on, for next_step follows from this row.
-- Locks: these batches (the caller holds them).
-- Again: changes nothing, for they are cancelled.
update batch_jobs
set
    cancelled_at = %(now)s,
    last_error = 'CANCELLED',
    updated_at = %(now)s
where id = any(%(ids)s::uuid[]) and status in ('queued', 'processing') and cancelled_at is null
