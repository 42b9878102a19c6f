-- Find the pending tasks of refused and cancelled batches, all or some of them, each with its batch's own error, which
-- the original worker did not always write; late arrivals, and what is handed back, are found by a later pass.
-- Locks: these tasks, skipping locked ones.
-- Again: finds them again until they are failed.
select t.id, 'unknown' as failure_type, coalesce(b.last_error, 'BATCH_FAILED') as error
from (
    select id, last_error from batch_jobs
    where next_step = 'close' and (%(batch_ids)s::uuid[] is null or id = any(%(batch_ids)s::uuid[]))
    order by created_at, id
    limit %(batch_limit)s
) as b
inner join video_tasks as t on b.id = t.batch_job_id
where t.status in ('pending', 'queued') and t.hold_reason is null
limit %(task_limit)s
for update of t skip locked
