-- Credits are frozen once and given back once for each batch and bucket.
-- Locks: nothing.
-- Again: says it again.
with entry as (
    select
        l.ref_id,
        l.ref_type,
        -- Rows older than the column tell by their meta.
        coalesce(l.bucket, case l.meta ->> 'use_bonus' when 'true' then 'bonus' else 'permanent' end) as bucket
    from credit_ledger as l
    where
        l.ref_type in ('batch_upfront', 'batch_refund')
        and (
            %(since)s::timestamptz is null
            or l.ref_id = any(array(
                select y.ref_id from credit_ledger as y
                where y.created_at >= %(since)s and y.ref_type in ('batch_upfront', 'batch_refund')
            ))
        )
)

select
    'batch' as kind,
    e.ref_id as id,
    concat(count(*), ' rows ', e.ref_type, ' of ', e.bucket, ' credits') as detail,
    count(*) over () as found
from entry as e
group by e.ref_id, e.ref_type, e.bucket
having count(*) > 1
order by e.ref_id, e.ref_type, e.bucket
limit %(offender_limit)s
