-- Credits of a batch move only in the wallet of its owner.
-- Locks: nothing.
-- Again: says it again.
select
    'ledger row' as kind,
    l.id::text as id,
    concat(l.credits_delta, ' of customer ', l.user_id, ' for batch ', b.id, ' of customer ', b.user_id) as detail,
    count(*) over () as found
from batchctl_audited(%(since)s) as b
inner join credit_ledger as l on b.id::text = l.ref_id and l.ref_type in ('batch_upfront', 'batch_refund')
where l.user_id <> b.user_id
order by l.id
limit %(offender_limit)s
