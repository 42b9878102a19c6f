-- List what happened last to the credits of a customer, the newest first.
-- Locks: nothing.
-- Again: lists it again.
select
    l.id,
    l.created_at,
    l.type,
    l.ref_type,
    l.ref_id,
    l.bucket,
    l.credits_delta,
    l.balance_after,
    l.meta ->> 'reason' as reason,
    l.meta ->> 'operator' as operator
from credit_ledger as l
where l.user_id = %(user_id)s
order by l.created_at desc, l.id desc
limit %(entry_limit)s
