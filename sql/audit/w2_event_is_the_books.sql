-- An event says what the books say, byte for byte.
-- Locks: nothing.
-- Again: says it again.
with event as (
    select
        d.id,
        d.event_type,
        d.body,
        b.id as batch_id,
        b.status,
        concat(
            b.success_count, ' succeeded, ', b.failed_count, ' failed, ',
            b.credits_spent, ' of ', b.frozen_credits, ' credits spent'
        ) as amount,
        concat(
            '{"type":"batch.', b.status,
            '","batch_id":"', b.id,
            '","user_id":"', b.user_id,
            '","status":"', b.status,
            '","total_count":', coalesce(b.total_count, 0),
            ',"success_count":', b.success_count,
            ',"failed_count":', b.failed_count,
            ',"credits_spent":', b.credits_spent,
            ',"credits_refunded":',
            case
                when b.settlement_status = 'pending' then 0
                else greatest(b.frozen_credits::numeric - b.credits_spent, 0)
            end,
            ',"reason":', coalesce(to_json(b.last_error)::text, 'null'),
            ',"timestamp":'
        ) as books
    from batchctl_audited(%(since)s) as b
    inner join webhook_deliveries as d on b.id = d.batch_job_id
)

select
    'delivery' as kind,
    e.id::text as id,
    concat(e.event_type, ' of batch ', e.batch_id, ', whose books say ', e.status, ', ', e.amount) as detail,
    count(*) over () as found
from event as e
where
    e.event_type <> 'batch.' || e.status
    or not starts_with(e.body, e.books)
    or substr(e.body, length(e.books) + 1) !~ '^\d+\}$'
order by e.id
limit %(offender_limit)s
