-- List the stages that are paused: since when, by whom and why.
-- Locks: nothing.
-- Again: lists them again.
select
    p.stage,
    p.paused_at,
    p.os_user,
    p.host,
    p.reason
from pauses as p
where p.resumed_at is null
order by p.stage
