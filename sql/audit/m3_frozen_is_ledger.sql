-- What a batch says is frozen is what the ledger took for it.
-- Locks: nothing.
-- Again: says it again.
with batch as (
    select b.id, b.created_at, b.frozen_credits, coalesce(-sum(l.credits_delta), 0) as taken, count(l.id) as entries
    from batchctl_audited(%(since)s) as b
    left join credit_ledger as l on b.id::text = l.ref_id and l.ref_type = 'batch_upfront'
    group by b.id, b.created_at, b.frozen_credits
)

select
    'batch' as kind,
    b.id::text as id,
    concat(b.frozen_credits, ' frozen, ', b.taken, ' taken by the ledger') as detail,
    count(*) over () as found
from batch as b
where
    b.frozen_credits <> b.taken
    -- Functions of the original wrote rows that do not say for which batch they were.
    and not (b.created_at < %(old_before)s and b.entries = 0)
order by b.id
limit %(offender_limit)s
