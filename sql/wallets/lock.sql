-- Lock the wallets of customers and read their balances.
-- Locks: these wallets, in the order of their customers' ids.
-- Again: reads them again.
select
    user_id,
    coalesce(permanent_credits, 0) as permanent_credits,
    coalesce(bonus_credits, 0) as bonus_credits,
    bonus_expires_at
from credit_wallet
where user_id = any(%(user_ids)s::uuid[])
order by user_id
for no key update
