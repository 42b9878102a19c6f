-- Let due deliveries wait that nobody has a secret to sign for, and give them up when the window of retries is over.
-- Locks: these deliveries, skipping locked ones; then their batches.
-- Again: changes nothing before they are due again.
with unsigned as materialized (
    select d.id, d.created_at
    from webhook_deliveries as d
    where
        d.status in ('pending', 'retrying') and d.next_attempt_at <= %(now)s
        and not exists (
            select from get_enterprise_webhook_for_batch(d.batch_job_id) as w where w.secret <> ''
        )
    order by d.next_attempt_at, d.id
    limit %(delivery_limit)s
    for update of d skip locked
),

waiting as (
    update webhook_deliveries as d
    set
        status = case when d.created_at <= %(given_up_before)s then 'failed' else d.status end,
        next_attempt_at = case when d.created_at > %(given_up_before)s then %(next_attempt_at)s::timestamptz end,
        last_error = 'WEBHOOK_SECRET_MISSING'
    where d.id = any(array(select id from unsigned))
    returning d.id, d.batch_job_id, d.status, d.last_error
),

told as (
    update batch_jobs as b
    set webhook_status = w.status, webhook_last_error = w.last_error, updated_at = %(now)s
    from waiting as w
    where b.id = w.batch_job_id
)

select id, status from waiting
