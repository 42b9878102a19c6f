-- Name the endpoints that are disabled, the latest first, and those that have failed for long and still do, the longest
-- first: a few of each, with how many there are of the kind and how many events wait for those.
-- Locks: nothing.
-- Again: names them again.
with aside as materialized (
    select
        b.user_id,
        d.url,
        count(*) as event_count
    from webhook_deliveries as d
    inner join batch_jobs as b on d.batch_job_id = b.id
    where d.status = 'retrying' and d.next_attempt_at is null
    group by b.user_id, d.url
),

endpoint as (
    select
        e.id,
        e.url,
        e.disabled_at is not null as is_disabled,
        coalesce(e.disabled_at, e.failing_since) as since,
        e.disabled_reason as reason,
        coalesce(a.event_count, 0) as waiting_count
    from webhook_endpoints as e
    left join aside as a on e.user_id = a.user_id and e.url = a.url
    where e.disabled_at is not null or (e.failing_since <= %(failing_before)s and e.updated_at >= %(failed_since)s)
),

ranked as (
    select
        *,
        count(*) over kind as alike_count,
        (sum(waiting_count) over kind)::bigint as alike_waiting_count,
        row_number()
            over (kind order by case when is_disabled then %(now)s - since else since - %(now)s end, id)
            as turn
    from endpoint
    window kind as (partition by is_disabled)
)

select id, url as receiver, is_disabled, since, reason, waiting_count, alike_count, alike_waiting_count
from ranked
where turn <= %(shown)s
order by is_disabled desc, turn
