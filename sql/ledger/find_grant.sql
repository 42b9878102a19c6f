-- Find what was granted to a customer under a request id.
-- Locks: nothing.
-- Again: finds it again.
select
    bucket,
    credits_delta,
    created_at,
    meta ->> 'reason' as reason
from credit_ledger
where user_id = %(user_id)s and ref_type = 'wallet_grant' and ref_id = %(request_id)s
