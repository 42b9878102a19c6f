-- Read the balance of a customer.
-- Locks: nothing.
-- Again: reads it again.
select
    user_id,
    coalesce(permanent_credits, 0) as permanent_credits,
    coalesce(bonus_credits, 0) as bonus_credits,
    case
        when bonus_expires_at > '9999-12-30' then '9999-12-30' -- also infinity, which clients cannot hold
        when bonus_expires_at < '0001-01-02' then '0001-01-02'
        else bonus_expires_at
    end as bonus_expires_at
from credit_wallet
where user_id = %(user_id)s
