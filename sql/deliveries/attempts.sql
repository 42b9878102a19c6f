-- List the newest tries to deliver events, what receivers answered, and when the next one follows.
-- Locks: nothing.
-- Again: lists them again.
select
    a.delivery_id,
    a.attempt,
    a.started_at,
    a.duration_ms,
    a.status_code,
    a.error,
    a.answer,
    a.by_operator,
    d.batch_job_id as batch_id,
    b.user_id,
    d.event_type,
    d.url as receiver,
    d.status,
    -- While a try is under way, this is when it is given up.
    case when a.attempt = d.attempts and a.duration_ms is not null then d.next_attempt_at end as next_attempt_at
from delivery_attempts as a
inner join webhook_deliveries as d on a.delivery_id = d.id
inner join batch_jobs as b on d.batch_job_id = b.id
where
    (%(delivery_id)s::uuid is null or a.delivery_id = %(delivery_id)s)
    and (%(since)s::timestamptz is null or a.started_at >= %(since)s)
    and (%(until)s::timestamptz is null or a.started_at < %(until)s)
    and (not %(only_failed)s or a.status_code is null or a.status_code not between 200 and 299)
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
            select from webhook_endpoints as k
            where k.id = %(endpoint_id)s and k.user_id = b.user_id and k.url = d.url
        )
    )
order by a.started_at desc, a.delivery_id, a.attempt desc
limit %(try_limit)s
