-- A batch has an end exactly when it has ended, and that after its beginning.
-- Locks: nothing.
-- Again: says it again.
select
    'batch' as kind,
    b.id::text as id,
    concat(b.status, ', made ', b.created_at, ', ', coalesce('ended ' || b.completed_at, 'no end')) as detail,
    count(*) over () as found
from batchctl_audited(%(since)s) as b
where
    (
        (b.status in ('completed', 'partial', 'failed')) <> (b.completed_at is not null)
        -- Applications may write created_at by their own clock.
        or b.completed_at < b.created_at - interval '5 minutes'
    )
    -- The original writes no completed_at.
    and not (b.created_at < %(old_before)s and b.completed_at is null)
order by b.id
limit %(offender_limit)s
