-- Set deliveries aside whose endpoints are disabled: they are not due again until these are enabled (contract §5).
-- Locks: these endpoints against being enabled meanwhile; these deliveries (the caller holds them); then their batches.
-- Again: writes the same.
with disabled as materialized (
    select e.id, e.user_id, e.url from webhook_endpoints as e
    where e.id = any(%(endpoint_ids)s::uuid[]) and e.disabled_at is not null
    order by e.id
    for share of e
),

aside as (
    update webhook_deliveries as d
    set status = 'retrying', next_attempt_at = null, last_error = 'ENDPOINT_DISABLED'
    from batch_jobs as b, disabled as e
    where
        d.id = any(%(ids)s::uuid[]) and b.id = d.batch_job_id
        and e.user_id = b.user_id and e.url = d.url
    returning d.id, d.batch_job_id, d.status, d.last_error
),

told as (
    update batch_jobs as b
    set webhook_status = a.status, webhook_last_error = a.last_error, updated_at = %(now)s
    from aside as a
    where b.id = a.batch_job_id
)

select id from aside
