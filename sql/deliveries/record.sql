-- Write what became of tries: on the try, on the delivery, and on the batch whose owner asks there. A delivery is moved
-- by the try that it waits for; that a receiver acknowledged it counts whenever it is heard. One that is sent or failed
-- can only become better: it is never opened again, and what was delivered stays delivered.
-- Locks: these deliveries; then their batches.
-- Again: writes the same, unless a later try was claimed meanwhile: then it changes nothing.
with tried as materialized (
    select t.id, t.attempt, t.status, t.next_attempt_at, t.status_code, t.error, t.duration_ms, t.answer
    from
        unnest(
            %(ids)s::uuid[],
            %(attempts)s::int[],
            %(statuses)s::text[],
            %(next_attempt_ats)s::timestamptz[],
            %(status_codes)s::int[],
            %(errors)s::text[],
            %(durations_ms)s::int[],
            %(answers)s::text[]
        ) as t (id, attempt, status, next_attempt_at, status_code, error, duration_ms, answer)
),

recorded as (
    update webhook_deliveries as d
    set
        status = case when d.status in ('pending', 'retrying') or t.status = 'sent' then t.status else d.status end,
        next_attempt_at = case when d.status in ('pending', 'retrying') then t.next_attempt_at end,
        last_status_code = case
            when d.status = 'sent' and t.status <> 'sent' then d.last_status_code
            else t.status_code
        end,
        last_error = case when d.status <> 'sent' then t.error end,
        delivered_at = case when t.status = 'sent' then coalesce(d.delivered_at, %(now)s) else d.delivered_at end
    from tried as t
    where
        d.id = t.id and d.id = any(%(ids)s::uuid[])
        and (d.attempts = t.attempt or (t.status = 'sent' and d.status <> 'sent'))
    returning d.id, d.batch_job_id, d.attempts, d.status, d.next_attempt_at, d.last_error, d.delivered_at
),

logged as (
    update delivery_attempts as a
    set duration_ms = t.duration_ms, status_code = t.status_code, error = t.error, answer = t.answer
    from tried as t
    where a.delivery_id = t.id and a.attempt = t.attempt and a.delivery_id = any(%(ids)s::uuid[])
),

told as (
    update batch_jobs as b
    set
        webhook_status = r.status,
        webhook_attempts = r.attempts,
        webhook_last_error = r.last_error,
        webhook_last_sent_at = %(now)s,
        updated_at = %(now)s
    from recorded as r
    where b.id = r.batch_job_id
)

select id, status, next_attempt_at, delivered_at from recorded
