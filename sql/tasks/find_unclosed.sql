-- Find the pending tasks of refused batches, each with its batch's own error, which the original worker did not always
-- write; late arrivals are found by a later pass.
-- Locks: these tasks, skipping locked ones.
-- Again: finds them again until they are failed.
select t.id, 'unknown' as failure_type, coalesce(b.last_error, 'BATCH_FAILED') as error
from (
    select id, last_error from batch_jobs
    where next_step = 'close'
    order by created_at, id
    limit %(batch_limit)s
) as b
inner join video_tasks as t on b.id = t.batch_job_id
where t.status in ('pending', 'queued') and t.hold_reason is null
limit %(task_limit)s
for update of t skip locked
