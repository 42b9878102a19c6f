-- Sum up the credits that were frozen, charged and given back on each day (UTC) since an instant.
-- Locks: nothing.
-- Again: sums them up again.
select
    m.start,
    least(sum(m.frozen), 9223372036854775807)::bigint as frozen,
    least(sum(m.spent), 9223372036854775807)::bigint as spent,
    least(sum(m.refunded), 9223372036854775807)::bigint as refunded
from (
    select
        date_bin(interval '1 day', l.created_at, timestamptz 'epoch') as start,
        case when l.ref_type = 'batch_upfront' then -l.credits_delta::numeric else 0 end as frozen,
        0 as spent,
        case when l.ref_type = 'batch_refund' then l.credits_delta::numeric else 0 end as refunded
    from credit_ledger as l
    where
        l.created_at >= %(since)s and l.created_at < %(until)s
        and l.ref_type in ('batch_upfront', 'batch_refund')
    union all
    select date_bin(interval '1 day', b.completed_at, timestamptz 'epoch'), 0, b.credits_spent::numeric, 0
    from batch_jobs as b
    where b.completed_at >= %(since)s and b.completed_at < %(until)s and b.credits_spent > 0
) as m
group by m.start
order by m.start
