-- List what operators changed, the newest first.
-- Locks: nothing.
-- Again: lists it again.
select
    a.id,
    a.began_at,
    a.ended_at,
    a.os_user,
    a.host,
    a.command,
    a.arguments,
    a.reason,
    a.matched_count,
    a.changed_count,
    a.credits,
    a.outcome,
    a.error
from operator_actions as a
where
    (%(since)s::timestamptz is null or a.began_at >= %(since)s)
    and (%(until)s::timestamptz is null or a.began_at < %(until)s)
    and (%(os_user)s::text is null or a.os_user = %(os_user)s)
    and (%(command)s::text is null or a.command = %(command)s or a.command like %(command)s || ' %%')
order by a.began_at desc, a.id desc
limit %(action_limit)s
