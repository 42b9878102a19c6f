-- Find batches whose event was given up, by when it was last tried (or written, if it never was). The one that was
-- tried longest ago comes first, so that whoever resends them part by part gets round. Of several events of a batch the
-- newest is the one.
-- Locks: nothing.
-- Again: finds them again until they are delivered.
with failed as materialized (
    select d.batch_job_id, d.status, d.attempts, coalesce(a.started_at, d.created_at) as tried_at
    from webhook_deliveries as d
    left join delivery_attempts as a on d.id = a.delivery_id and d.attempts = a.attempt
    where
        d.status = 'failed'
        and not exists (
            select from webhook_deliveries as newer
            where
                newer.batch_job_id = d.batch_job_id
                and (newer.created_at > d.created_at or (newer.created_at = d.created_at and newer.id < d.id))
        )
)

select batch_job_id as batch_id, status, attempts, count(*) over () as match_count
from failed
where tried_at >= %(since)s and (%(until)s::timestamptz is null or tried_at < %(until)s)
order by tried_at, batch_job_id
limit %(batch_limit)s
