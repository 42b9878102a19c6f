-- Every try to deliver an event is kept, and what the event came to was said by a try that ended.
-- Locks: nothing.
-- Again: says it again.
with delivery as (
    select
        d.id,
        d.status,
        d.attempts,
        count(a.attempt) as kept,
        coalesce(bool_or(a.status_code between 200 and 299), false) as was_acknowledged,
        count(a.duration_ms) as ended
    from batchctl_audited(%(since)s) as b
    inner join webhook_deliveries as d on b.id = d.batch_job_id
    left join delivery_attempts as a on d.id = a.delivery_id
    group by d.id, d.status, d.attempts
)

select
    'delivery' as kind,
    d.id::text as id,
    concat(
        d.status, ', tries ', d.attempts, ', kept ', d.kept, ', with an end ', d.ended, ', ',
        case when d.was_acknowledged then 'acknowledged' else 'not acknowledged' end
    ) as detail,
    count(*) over () as found
from delivery as d
where
    d.kept <> d.attempts
    or (d.status = 'sent' and not d.was_acknowledged)
    or (d.status = 'failed' and d.kept > 0 and d.ended = 0)
order by d.id
limit %(offender_limit)s
