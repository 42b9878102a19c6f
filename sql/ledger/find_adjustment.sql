-- Find what was adjusted under a request id of a customer.
-- Locks: nothing.
-- Again: finds it again.
select
    bucket,
    credits_delta,
    created_at,
    meta ->> 'reason' as reason
from credit_ledger
where user_id = %(user_id)s and ref_type = 'wallet_adjust' and ref_id = %(request_id)s
