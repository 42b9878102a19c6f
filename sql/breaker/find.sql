-- Say whether the provider at an address refuses our account, since when, why, and how many tasks wait for it.
-- Locks: nothing.
-- Again: says it again.
select
    a.opened_at,
    a.reason,
    a.probe_at,
    a.probe_count,
    (
        select coalesce(sum(b.tasks_pending), 0)::bigint from batch_jobs as b
        where b.next_step in ('claim', 'start')
    ) as waiting_count
from account_breaker as a
where a.provider_host = %(provider_host)s
