-- Claim deliveries for a try and open the record of that try.
-- Locks: these deliveries (the caller holds them).
-- Again: claims them for another try; a claim whose worker died is due again when its lease ends.
with claimed as (
    update webhook_deliveries as d
    set attempts = d.attempts + 1, next_attempt_at = %(lease_until)s
    where d.id = any(%(ids)s::uuid[])
    returning d.id, d.batch_job_id, d.url, d.body, d.attempts
),

opened as (
    insert into delivery_attempts (delivery_id, attempt, started_at)
    select id, attempts, %(now)s from claimed
)

select id, batch_job_id as batch_id, url, body, attempts as attempt from claimed
