-- Find batches by their events: when these were written, how they stand, whose they are and where they go; the oldest
-- first. Of several events of a batch the newest is the one.
-- Locks: nothing.
-- Again: finds them again until they stand otherwise.
select d.batch_job_id as batch_id, d.status, d.attempts, count(*) over () as match_count
from webhook_deliveries as d
inner join batch_jobs as b on d.batch_job_id = b.id
where
    d.status = any(%(statuses)s::text[])
    and d.created_at >= %(since)s and (%(until)s::timestamptz is null or d.created_at < %(until)s)
    and (%(event_type)s::text is null or d.event_type = %(event_type)s)
    and (%(batch_id)s::uuid is null or d.batch_job_id = %(batch_id)s)
    and (%(user_id)s::uuid is null or b.user_id = %(user_id)s)
    and (
        %(host)s::text is null
        or %(host)s in (
            lower(substring(d.url from '^[^/]*//([^/?#]*)')),
            lower(substring(d.url from '^[^/]*//([^/?#]*):[0-9]+([/?#]|$)'))
        )
    )
    and (
        %(endpoint_id)s::uuid is null
        or exists (
            select from webhook_endpoints as e
            where e.id = %(endpoint_id)s and e.user_id = b.user_id and e.url = d.url
        )
    )
    and not exists (
        select from webhook_deliveries as newer
        where
            newer.batch_job_id = d.batch_job_id
            and (newer.created_at > d.created_at or (newer.created_at = d.created_at and newer.id < d.id))
    )
order by d.created_at, d.id
limit %(batch_limit)s
