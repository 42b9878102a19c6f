-- Find deliveries that are due for a try. The turns go round the receivers (a customer's host), counting what each has
-- under way, so that the backlog of one holds up no other; first tries come before further ones.
-- Locks: these deliveries, skipping locked ones.
-- Again: finds them again until they are claimed or put off.
with waiting as materialized (
    select
        d.id,
        d.attempts > 0 as was_tried,
        d.next_attempt_at,
        d.next_attempt_at <= %(now)s as is_due,
        b.user_id,
        substring(d.url from '^[^/]*//[^/?#]*') as host
    from webhook_deliveries as d
    inner join batch_jobs as b on d.batch_job_id = b.id
    where
        d.status in ('pending', 'retrying')
        and (
            (d.next_attempt_at > %(now)s and d.next_attempt_at <= %(lease_until)s)
            or (
                d.next_attempt_at <= %(now)s
                and (%(written_since)s::timestamptz is null or (d.attempts = 0 and d.created_at >= %(written_since)s))
            )
        )
),

candidate as materialized (
    select
        id,
        was_tried,
        next_attempt_at,
        is_due,
        count(*) filter (where not is_due) over receiver
        + row_number() over (receiver order by next_attempt_at, id) as turn
    from waiting
    window receiver as (partition by user_id, host)
)

select d.id
from candidate as c
inner join webhook_deliveries as d on c.id = d.id
where c.is_due and d.status in ('pending', 'retrying') and d.next_attempt_at <= %(now)s
order by c.turn, c.was_tried, c.next_attempt_at, c.id
limit %(delivery_limit)s
for update of d skip locked
