-- List what happened to the credits of a customer, the newest first, with what the customer had in all after each row:
-- rows are numbered under the wallet's lock, so that their order is that of its balances.
-- Locks: nothing.
-- Again: lists it again.
with entry as (
    select
        l.*,
        sum(l.credits_delta) over (order by l.id)
        + coalesce((select a.unexplained_credits from adopted_wallets as a where a.user_id = %(user_id)s), 0)
            as total_after
    from credit_ledger as l
    where l.user_id = %(user_id)s
)

select
    e.id,
    e.created_at,
    e.type,
    e.ref_type,
    e.ref_id,
    e.bucket,
    e.credits_delta,
    e.balance_after,
    e.total_after::bigint as total_after,
    e.meta ->> 'reason' as reason,
    e.meta ->> 'operator' as operator
from entry as e
where
    (%(since)s::timestamptz is null or e.created_at >= %(since)s)
    and (%(until)s::timestamptz is null or e.created_at < %(until)s)
    and (%(types)s::text[] is null or e.type = any(%(types)s::text[]))
    and (%(batch_id)s::uuid is null or e.ref_id = %(batch_id)s::uuid::text)
order by e.id desc
limit %(entry_limit)s
