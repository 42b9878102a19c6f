-- A batch is charged its successes times its price, and only when it is settled.
-- Locks: nothing.
-- Again: says it again.
select
    'batch' as kind,
    b.id::text as id,
    concat(
        b.settlement_status, ', ', b.credits_spent, ' charged, succeeded ', b.success_count,
        ', price ', b.cost_per_video
    ) as detail,
    count(*) over () as found
from batchctl_audited(%(since)s) as b
where
    b.credits_spent <> case
        when b.settlement_status = 'pending' then 0 else b.success_count::numeric * b.cost_per_video
    end
    -- The original writes neither success_count nor completed_at when it settles.
    and not (b.created_at < %(old_before)s and b.completed_at is null)
order by b.id
limit %(offender_limit)s
