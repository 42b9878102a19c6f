-- Say whether row policies apply to this role's tasks, as on databases adopted from the original worker.
-- Locks: nothing.
-- Again: says it again.
select row_security_active('video_tasks') as has_policies
