-- Claim deliveries for a try and open the record of that try; those that nobody has a secret to sign for are left.
-- Locks: these deliveries (the caller holds them).
-- Again: claims them for another try; a claim whose worker died is due again when its lease ends.
with signed as materialized (
    select
        d.id,
        (select nullif(w.secret, '') from get_enterprise_webhook_for_batch(d.batch_job_id) as w limit 1) as secret
    from webhook_deliveries as d
    where d.id = any(%(ids)s::uuid[])
),

claimed as (
    update webhook_deliveries as d
    set attempts = d.attempts + 1, next_attempt_at = %(lease_until)s
    from signed as s
    where d.id = s.id and d.id = any(%(ids)s::uuid[]) and (%(signs_by_default)s or s.secret is not null)
    returning d.id, d.batch_job_id, d.url, d.body, d.attempts, s.secret
),

opened as (
    insert into delivery_attempts (delivery_id, attempt, started_at)
    select id, attempts, %(now)s from claimed
)

select id, batch_job_id as batch_id, url, body, attempts as attempt, secret from claimed
