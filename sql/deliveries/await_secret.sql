-- Let deliveries wait that cannot be signed, and give them up when the window of retries is over.
-- Locks: these deliveries (the caller holds them); then their batches.
-- Again: puts them off anew; only who holds them runs it.
with waiting as (
    update webhook_deliveries as d
    set
        status = case when d.created_at <= %(given_up_before)s then 'failed' else d.status end,
        next_attempt_at = case when d.created_at > %(given_up_before)s then %(next_attempt_at)s::timestamptz end,
        last_error = w.error
    from unnest(%(ids)s::uuid[], %(errors)s::text[]) as w (id, error)
    where d.id = w.id and d.id = any(%(ids)s::uuid[])
    returning d.id, d.batch_job_id, d.status, d.last_error
),

told as (
    update batch_jobs as b
    set webhook_status = w.status, webhook_last_error = w.last_error, updated_at = %(now)s
    from waiting as w
    where b.id = w.batch_job_id
)

select id, status from waiting
