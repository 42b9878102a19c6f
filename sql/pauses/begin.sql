-- Pause stages; of one that is paused already since when stays as it was, and who says why is new.
-- Locks: these pauses, in the order of the stages' names.
-- Again: changes nothing more.
insert into pauses as p (stage, paused_at, os_user, host, reason)
select
    s.stage,
    %(now)s,
    %(os_user)s,
    %(host)s,
    %(reason)s
from unnest(%(stages)s::text[]) as s (stage)
order by s.stage
on conflict (stage) do update
    set
        paused_at = case when p.resumed_at is null then p.paused_at else excluded.paused_at end,
        os_user = excluded.os_user,
        host = excluded.host,
        reason = excluded.reason,
        resumed_at = null
