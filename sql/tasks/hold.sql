-- Put tasks on hold that the database would not let through, until an operator releases them.
-- Locks: these tasks.
-- Again: keeps the first reason.
update video_tasks as t
set hold_reason = h.reason, updated_at = %(now)s
from unnest(%(ids)s::uuid[], %(reasons)s::text[]) as h (id, reason)
where t.id = h.id and t.id = any(%(ids)s::uuid[]) and t.hold_reason is null
