-- Change the balances of wallets by what the ledger entries of the same transaction add up to.
-- Locks: these wallets (the caller holds them).
-- Again: moves the credits again; the caller's unique ledger entries make that fail as a whole.
update credit_wallet as w
set
    permanent_credits = coalesce(w.permanent_credits, 0) + m.permanent_delta,
    bonus_credits = coalesce(w.bonus_credits, 0) + m.bonus_delta,
    updated_at = %(now)s
from
    unnest(%(user_ids)s::uuid[], %(permanent_deltas)s::bigint[], %(bonus_deltas)s::bigint[])
        as m (user_id, permanent_delta, bonus_delta)
where w.user_id = m.user_id and w.user_id = any(%(user_ids)s::uuid[])
