-- Claim deliveries for a try and open the record of that try. One that an operator asks for is no step of the schedule
-- of retries: an open delivery keeps the time at which it is due anyway.
-- Locks: these deliveries (the caller holds them).
-- Again: claims them for another try; a claim whose worker died is due again when its lease ends.
with before as materialized (
    select
        d.id,
        d.next_attempt_at,
        d.status in ('pending', 'retrying') as is_open,
        (select count(*) from delivery_attempts as a where a.delivery_id = d.id and a.by_operator)::int as asked_for
    from webhook_deliveries as d
    where d.id = any(%(ids)s::uuid[])
),

claimed as (
    update webhook_deliveries as d
    set attempts = d.attempts + 1, next_attempt_at = %(lease_until)s
    where d.id = any(%(ids)s::uuid[])
    returning d.id, d.batch_job_id, d.url, d.body, d.attempts
),

opened as (
    insert into delivery_attempts (delivery_id, attempt, started_at, by_operator)
    select id, attempts, %(now)s, %(by_operator)s from claimed
)

select
    c.id,
    c.batch_job_id as batch_id,
    c.url,
    c.body,
    c.attempts as attempt,
    c.attempts - b.asked_for as step,
    case when %(by_operator)s and b.is_open then coalesce(b.next_attempt_at, %(now)s::timestamptz) end as due_at
from claimed as c
inner join before as b on c.id = b.id
