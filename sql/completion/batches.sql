-- List the newest batches that have not ended and whose ids lie between two, for a shell to complete.
-- Locks: nothing.
-- Again: lists them again.
select
    b.id,
    b.status,
    b.tasks_succeeded as succeeded_count,
    b.task_count
from batch_jobs as b
where
    (
        b.next_step in ('claim', 'start', 'poll')
        or b.next_step in ('refuse', 'fill', 'settle', 'close', 'adopt')
        or b.hold_reason is not null
    )
    and b.id between %(first)s and %(last)s
order by b.created_at desc, b.id
limit %(batch_limit)s
