-- Let stages that are paused go on.
-- Locks: these pauses.
-- Again: changes nothing.
update pauses
set resumed_at = %(now)s
where stage = any(%(stages)s::text[]) and resumed_at is null
