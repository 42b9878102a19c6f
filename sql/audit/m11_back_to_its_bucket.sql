-- Credits go back to the bucket they came from, or from expired bonus to permanent, and no more than was taken.
-- Locks: nothing.
-- Again: says it again.
with bucket as (
    select
        b.id,
        b.created_at,
        -- Rows older than the column tell by their meta.
        coalesce(l.bucket, case l.meta ->> 'use_bonus' when 'true' then 'bonus' else 'permanent' end) as name,
        sum(
            l.credits_delta
            - case when l.meta ->> 'expired_bonus' ~ '^\d{1,18}$' then (l.meta ->> 'expired_bonus')::bigint else 0 end
        ) as net,
        sum(count(*) filter (where l.ref_type = 'batch_upfront')) over (partition by b.id) as freezes,
        bool_or(l.ref_type = 'batch_refund' and l.balance_after is null) as is_refunded_by_others
    from batchctl_audited(%(since)s) as b
    inner join credit_ledger as l on b.id::text = l.ref_id and l.ref_type in ('batch_upfront', 'batch_refund')
    group by b.id, b.created_at, 3
)

select
    'batch' as kind,
    b.id::text as id,
    concat(b.net, ' ', b.name, ' credits more given back than taken') as detail,
    count(*) over () as found
from bucket as b
where
    b.net > 0
    -- The original gives everything back as permanent; some of its rows do not say for which batch they were.
    and not (b.created_at < %(old_before)s and (b.is_refunded_by_others or b.freezes = 0))
order by b.id, b.name
limit %(offender_limit)s
