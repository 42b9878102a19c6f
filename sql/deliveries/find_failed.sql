-- Find batches whose event was given up, by when it was last tried (or written, if it never was). The one that was
-- tried longest ago comes first, so that whoever resends them part by part gets round.
-- Locks: nothing.
-- Again: finds them again until they are delivered.
with failed as materialized (
    select d.batch_job_id, coalesce(a.started_at, d.created_at) as tried_at
    from webhook_deliveries as d
    left join delivery_attempts as a on d.id = a.delivery_id and d.attempts = a.attempt
    where d.status = 'failed'
)

select batch_job_id as batch_id, count(*) over () as match_count
from failed
where tried_at >= %(since)s and (%(until)s::timestamptz is null or tried_at < %(until)s)
order by tried_at, batch_job_id
limit %(batch_limit)s
