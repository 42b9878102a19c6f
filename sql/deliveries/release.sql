-- Make due what was set aside for an endpoint, the oldest first and so many a second, for its receiver has just come
-- back.
-- Locks: these deliveries; then their batches.
-- Again: finds nothing left to release.
with waiting as (
    select d.id, row_number() over (order by d.created_at, d.id) as turn
    from webhook_deliveries as d
    inner join batch_jobs as b on d.batch_job_id = b.id
    inner join webhook_endpoints as e on b.user_id = e.user_id and d.url = e.url
    where d.status = 'retrying' and d.next_attempt_at is null and e.id = %(endpoint_id)s
),

released as (
    update webhook_deliveries as d
    set
        next_attempt_at = %(now)s::timestamptz + (w.turn - 1) * interval '1 second' / %(per_second)s::int,
        last_error = null
    from waiting as w
    where d.id = w.id and d.status = 'retrying' and d.next_attempt_at is null
    returning d.batch_job_id
),

told as (
    update batch_jobs as b
    set webhook_last_error = null, updated_at = %(now)s
    from released as r
    where b.id = r.batch_job_id
)

select count(*) as released from released
