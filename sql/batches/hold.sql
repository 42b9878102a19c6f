-- Put batches on hold that the database would not let through, until an operator releases them.
-- Locks: these batches.
-- Again: keeps the first reason.
update batch_jobs as b
set hold_reason = h.reason, updated_at = %(now)s
from unnest(%(ids)s::uuid[], %(reasons)s::text[]) as h (id, reason)
where b.id = h.id and b.id = any(%(ids)s::uuid[]) and b.hold_reason is null
