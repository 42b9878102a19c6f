-- Give a customer purchased credits, with the ledger row that explains them; a customer without a wallet gets one.
-- Locks: the wallet.
-- Again: gives them again.
with granted as (
    insert into credit_wallet as w (user_id, permanent_credits, created_at, updated_at)
    values (%(user_id)s, %(amount_credits)s, %(now)s, %(now)s)
    on conflict (user_id) do update
        set permanent_credits = w.permanent_credits + excluded.permanent_credits, updated_at = excluded.updated_at
    returning w.user_id, w.permanent_credits
)

insert into credit_ledger (user_id, type, credits_delta, ref_type, meta, created_at, bucket, balance_after)
select
    g.user_id, 'purchase', %(amount_credits)s, 'grant', jsonb_build_object('reason', %(reason)s::text), %(now)s,
    'permanent', g.permanent_credits
from granted as g
