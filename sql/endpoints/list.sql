-- List endpoints, those that changed last first, with how many events wait for each to be enabled.
-- Locks: nothing.
-- Again: lists them again.
with aside as materialized (
    select
        b.user_id,
        d.url,
        count(*) as event_count
    from webhook_deliveries as d
    inner join batch_jobs as b on d.batch_job_id = b.id
    where d.status = 'retrying' and d.next_attempt_at is null
    group by b.user_id, d.url
)

select
    e.id,
    e.user_id,
    e.url as receiver,
    e.created_at,
    e.failing_since,
    e.disabled_at,
    e.disabled_reason,
    e.disabled_by,
    coalesce(a.event_count, 0) as waiting_count
from webhook_endpoints as e
left join aside as a on e.user_id = a.user_id and e.url = a.url
where
    (%(ids)s::uuid[] is null or e.id = any(%(ids)s::uuid[]))
    and (%(user_id)s::uuid is null or e.user_id = %(user_id)s)
    and (not %(only_disabled)s or e.disabled_at is not null)
order by e.updated_at desc, e.id
limit %(endpoint_limit)s
