-- Let tasks that are on hold go on.
-- Locks: these tasks.
-- Again: changes nothing.
update video_tasks
set hold_reason = null, updated_at = %(now)s
where id = any(%(ids)s::uuid[]) and hold_reason is not null
returning id
