-- Lock the wallets of customers and read their balances; one that another transaction holds is left out.
-- Locks: these wallets, skipping locked ones, so that one customer's wallet holds up nobody else's batches.
-- Again: reads them again.
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
where user_id = any(%(user_ids)s::uuid[])
order by user_id
for no key update skip locked
