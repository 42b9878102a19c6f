-- Show a customer's balance beside what the ledger says it must be.
-- Locks: nothing.
-- Again: shows it again.
select
    w.permanent_credits,
    w.bonus_credits,
    w.bonus_expires_at,
    (
        select coalesce(sum(l.credits_delta), 0)::bigint from credit_ledger as l
        where l.user_id = w.user_id
    ) as ledger_credits
from credit_wallet as w
where w.user_id = %(user_id)s
