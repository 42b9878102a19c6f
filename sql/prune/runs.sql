-- Delete old passes, some at a time; the newest one stays, for doctor.
-- Locks: these passes.
-- Again: deletes the next ones.
with doomed as (
    select r.id
    from runs as r
    where
        r.id < coalesce(
            (select min(k.id) from runs as k where k.started_at >= %(before)s), (select max(k.id) from runs as k)
        )
    order by r.id
    limit %(row_limit)s
    for update skip locked
)

delete from runs as r
using doomed as d
where r.id = d.id
