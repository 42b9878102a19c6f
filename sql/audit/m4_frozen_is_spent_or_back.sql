-- What was frozen for a settled batch was spent or given back.
-- Locks: nothing.
-- Again: says it again.
with batch as (
    select
        b.id,
        b.created_at,
        b.frozen_credits,
        b.credits_spent,
        coalesce(sum(l.credits_delta) filter (where l.ref_type = 'batch_refund'), 0) as given_back,
        count(l.id) as entries
    from batchctl_audited(%(since)s) as b
    left join credit_ledger as l on b.id::text = l.ref_id and l.ref_type in ('batch_upfront', 'batch_refund')
    where b.settlement_status <> 'pending'
    group by b.id, b.created_at, b.frozen_credits, b.credits_spent
)

select
    'batch' as kind,
    b.id::text as id,
    concat(b.frozen_credits, ' frozen, ', b.credits_spent, ' spent, ', b.given_back, ' given back') as detail,
    count(*) over () as found
from batch as b
where
    b.frozen_credits <> b.credits_spent + b.given_back
    -- Functions of the original wrote rows that do not say for which batch they were.
    and not (b.created_at < %(old_before)s and b.entries = 0)
order by b.id
limit %(offender_limit)s
