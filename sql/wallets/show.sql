-- Show a customer's balance beside what the ledger says it must be.
-- Locks: nothing.
-- Again: shows it again.
select
    coalesce(w.permanent_credits, 0) as permanent_credits,
    coalesce(w.bonus_credits, 0) as bonus_credits,
    w.bonus_expires_at,
    (
        select coalesce(sum(l.credits_delta), 0)::bigint from credit_ledger as l
        where l.user_id = w.user_id
    ) as ledger_credits,
    coalesce((select a.unexplained_credits from adopted_wallets as a where a.user_id = w.user_id), 0)
        as unexplained_credits
from credit_wallet as w
where w.user_id = %(user_id)s
