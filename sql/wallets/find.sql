-- Read the balance of a customer.
-- Locks: nothing.
-- Again: reads it again.
select
    user_id,
    coalesce(permanent_credits, 0) as permanent_credits,
    coalesce(bonus_credits, 0) as bonus_credits,
    bonus_expires_at
from credit_wallet
where user_id = %(user_id)s
