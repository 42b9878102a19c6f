-- Say whether a stage is paused: since when, by whom and why.
-- Locks: nothing.
-- Again: says it again.
select
    p.stage,
    p.paused_at,
    p.os_user,
    p.host,
    p.reason
from pauses as p
where p.stage = %(stage)s and p.resumed_at is null
