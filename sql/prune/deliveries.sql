-- Delete events of batches that ended long ago, with their tries, some at a time in the order of their ids: those that
-- were delivered or given up, and not tried since.
-- Locks: these events, passing over those that others hold; their tries.
-- Again: deletes the next ones.
with doomed as (
    select d.id
    from webhook_deliveries as d
    inner join batch_jobs as b on d.batch_job_id = b.id
    where
        d.id > %(after_id)s
        and d.status in ('sent', 'failed') and d.next_attempt_at is null
        and b.completed_at < %(before)s and b.next_step is null and b.hold_reason is null
        and not exists (select from delivery_attempts as a where a.delivery_id = d.id and a.started_at >= %(before)s)
    order by d.id
    limit %(row_limit)s
    for update of d skip locked
),

gone as (
    delete from webhook_deliveries as w
    using doomed as d
    where w.id = d.id
    returning w.id, w.attempts
)

select g.id, g.attempts from gone as g
order by g.id
