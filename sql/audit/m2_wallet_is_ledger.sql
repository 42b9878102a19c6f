-- Each bucket of a wallet is the sum of its ledger rows; an adopted wallet also has what it had before.
-- Locks: nothing.
-- Again: says it again.
with moved as materialized (
    select user_id from credit_ledger where created_at >= %(since)s
    union
    select user_id from credit_wallet where updated_at >= %(since)s
),

wallet as (
    select * from credit_wallet
    where %(since)s::timestamptz is null or user_id = any(array(select user_id from moved))
),

ledger as (
    select
        user_id,
        sum(credits_delta) as credits,
        coalesce(sum(credits_delta) filter (where bucket = 'permanent'), 0) as permanent_credits,
        coalesce(sum(credits_delta) filter (where bucket = 'bonus'), 0) as bonus_credits
    from credit_ledger
    where %(since)s::timestamptz is null or user_id = any(array(select user_id from moved))
    group by user_id
)

select
    'customer' as kind,
    coalesce(w.user_id, l.user_id)::text as id,
    concat(
        'the wallet holds ',
        coalesce(w.permanent_credits, 0),
        ' permanent and ',
        coalesce(w.bonus_credits, 0),
        ' bonus, its ledger adds up to ',
        coalesce(l.permanent_credits, 0),
        ' and ',
        coalesce(l.bonus_credits, 0),
        ', in all ' || (coalesce(l.credits, 0) + a.unexplained_credits)
    ) as detail,
    count(*) over () as found
from wallet as w
full join ledger as l on w.user_id = l.user_id
left join adopted_wallets as a on w.user_id = a.user_id
where
    coalesce(w.permanent_credits, 0)::numeric + coalesce(w.bonus_credits, 0)
    <> coalesce(l.credits, 0) + coalesce(a.unexplained_credits, 0)
    or (
        w.created_at >= %(old_before)s
        and (coalesce(w.permanent_credits, 0), coalesce(w.bonus_credits, 0))
        <> (coalesce(l.permanent_credits, 0), coalesce(l.bonus_credits, 0))
    )
order by 2
limit %(offender_limit)s
