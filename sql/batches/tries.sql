-- List the newest tries to deliver events, each event's for itself.
-- Locks: nothing.
-- Again: lists them again.
select
    a.delivery_id,
    a.attempt,
    a.started_at,
    a.duration_ms,
    a.status_code,
    a.error
from
    unnest(%(delivery_ids)s::uuid[]) as d (id)
cross join
    lateral (
        select * from delivery_attempts as tried
        where tried.delivery_id = d.id
        order by tried.attempt desc
        limit %(try_limit)s
    ) as a
order by a.started_at desc, a.attempt desc
