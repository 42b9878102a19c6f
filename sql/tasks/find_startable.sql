-- Find tasks to send now, so many of each batch: the ones whose wait is over first, then by their place in the batch.
-- Locks: these tasks, skipping locked ones (the caller holds their batches).
-- Again: finds them again until they are claimed; a task already tried in this pass is left for the next pass.
select t.id
from unnest(%(batch_ids)s::uuid[], %(counts)s::int[]) as share (batch_id, n)
cross join lateral (
    select waited.id
    from (
        select w.id from video_tasks as w
        where
            w.batch_job_id = share.batch_id and w.status in ('pending', 'queued') and w.hold_reason is null
            and w.next_retry_at <= %(now)s
            and (w.claimed_at is null or w.claimed_at < %(pass_started_at)s)
        order by w.next_retry_at, w.batch_index
        limit share.n
        for update skip locked
    ) as waited
    union all
    select fresh.id
    from (
        select f.id from video_tasks as f
        where
            f.batch_job_id = share.batch_id and f.status in ('pending', 'queued') and f.hold_reason is null
            and f.next_retry_at is null
            and (f.claimed_at is null or f.claimed_at < %(pass_started_at)s)
        order by f.batch_index
        limit share.n
        for update skip locked
    ) as fresh
    limit share.n
) as t
