-- List the newest events, how they stand and where they go. Each state has its own newest ones by index, so that the
-- cost is that of the lines and not of the history.
-- Locks: nothing.
-- Again: lists them again.
select
    d.id,
    d.batch_job_id as batch_id,
    d.user_id,
    d.event_type,
    d.url as receiver,
    d.status,
    d.attempts,
    d.last_status_code,
    d.last_error,
    d.created_at,
    d.next_attempt_at,
    d.delivered_at,
    e.id as endpoint_id,
    e.disabled_at as endpoint_disabled_at
from
    unnest(%(statuses)s::text[]) as wanted (status)
cross join
    lateral (
        select found.*, b.user_id
        from webhook_deliveries as found
        inner join batch_jobs as b on found.batch_job_id = b.id
        where
            found.status = wanted.status
            and (%(delivery_id)s::uuid is null or found.id = %(delivery_id)s)
            and (%(since)s::timestamptz is null or found.created_at >= %(since)s)
            and (%(until)s::timestamptz is null or found.created_at < %(until)s)
            and (%(event_type)s::text is null or found.event_type = %(event_type)s)
            and (%(batch_id)s::uuid is null or found.batch_job_id = %(batch_id)s)
            and (%(user_id)s::uuid is null or b.user_id = %(user_id)s)
            and (
                %(host)s::text is null
                or %(host)s in (
                    lower(substring(found.url from '^[^/]*//([^/?#]*)')),
                    lower(substring(found.url from '^[^/]*//([^/?#]*):[0-9]+([/?#]|$)'))
                )
            )
            and (
                %(endpoint_id)s::uuid is null
                or exists (
                    select from webhook_endpoints as k
                    where k.id = %(endpoint_id)s and k.user_id = b.user_id and k.url = found.url
                )
            )
        order by found.created_at desc, found.id desc
        limit %(delivery_limit)s
    ) as d
left join webhook_endpoints as e on d.user_id = e.user_id and d.url = e.url
order by d.created_at desc, d.id desc
limit %(delivery_limit)s
