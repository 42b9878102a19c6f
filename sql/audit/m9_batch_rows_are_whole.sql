-- A row of the ledger for a batch has that batch, a bucket, a possible balance, and its sign.
-- Locks: nothing.
-- Again: says it again.
select
    'ledger row' as kind,
    l.id::text as id,
    concat_ws(
        ', ',
        concat(l.type, ' ', l.ref_type, ' of ', l.credits_delta),
        coalesce(l.bucket, 'no bucket'),
        'balance ' || l.balance_after,
        case when b.id is null then 'no batch ' || coalesce(l.ref_id, 'named') end
    ) as detail,
    count(*) over () as found
from credit_ledger as l
left join batch_jobs as b
    on b.id = case when l.ref_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then l.ref_id::uuid end
where
    l.ref_type in ('batch_upfront', 'batch_refund')
    and (%(since)s::timestamptz is null or l.created_at >= %(since)s)
    and (
        (l.bucket in ('permanent', 'bonus')) is not true or b.id is null or l.balance_after < 0
        or case l.ref_type
            when 'batch_upfront' then l.type <> 'spend' or l.credits_delta >= 0
            else l.type <> 'refund' or l.credits_delta <= 0
        end
    )
    -- Rows without a bucket are older than the column, where the database was adopted.
    and not (l.bucket is null and l.created_at < %(old_before)s)
order by l.id
limit %(offender_limit)s
