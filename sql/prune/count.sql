-- Count what is to be pruned: passes but for the newest one, events that were delivered or given up and their tries,
-- and results that came late.
-- Locks: nothing.
-- Again: counts it again.
with doomed as (
    select d.id, d.attempts
    from webhook_deliveries as d
    inner join batch_jobs as b on d.batch_job_id = b.id
    where
        d.status in ('sent', 'failed') and d.next_attempt_at is null
        and b.completed_at < %(before)s and b.next_step is null and b.hold_reason is null
        and not exists (select from delivery_attempts as a where a.delivery_id = d.id and a.started_at >= %(before)s)
)

select
    (
        select count(*) from runs as r
        where
            r.id < coalesce(
                (select min(k.id) from runs as k where k.started_at >= %(before)s), (select max(k.id) from runs as k)
            )
    ) as runs,
    (select count(*) from doomed) as deliveries,
    (select coalesce(sum(d.attempts), 0)::bigint from doomed as d) as attempts,
    (select count(*) from late_results as r where r.seen_at < %(before)s) as late_results
