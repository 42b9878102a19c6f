-- List what happened to credits because of a batch, in order.
-- Locks: nothing.
-- Again: lists it again.
select
    l.id,
    l.created_at,
    l.type,
    l.ref_type,
    l.ref_id,
    case
        when l.bucket is not null then l.bucket
        when l.meta ->> 'use_bonus' = 'true' or l.meta ->> 'refund_to' = 'bonus' then 'bonus'
        else 'permanent'
    end as bucket,
    l.credits_delta,
    l.balance_after,
    l.meta ->> 'reason' as reason,
    l.meta ->> 'operator' as operator
from credit_ledger as l
where l.ref_id = %(batch_id)s::uuid::text and l.ref_type in ('batch_upfront', 'batch_refund')
order by l.id
limit %(entry_limit)s
