-- Let batches that are on hold go on.
-- Locks: these batches.
-- Again: changes nothing.
update batch_jobs
set hold_reason = null, updated_at = %(now)s
where id = any(%(ids)s::uuid[]) and hold_reason is not null
returning id
