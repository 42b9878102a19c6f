-- Add credits to a locked wallet, and say until when all bonus credits in it are valid.
-- Locks: the wallet (the caller holds it).
-- Again: adds them again; the caller's unique ledger entry makes that fail as a whole where it has a request id.
update credit_wallet
set
    permanent_credits = coalesce(permanent_credits, 0) + %(permanent_delta)s::bigint,
    bonus_credits = coalesce(bonus_credits, 0) + %(bonus_delta)s::bigint,
    bonus_expires_at = coalesce(%(bonus_expires_at)s::timestamptz, bonus_expires_at),
    updated_at = %(now)s
where user_id = %(user_id)s
