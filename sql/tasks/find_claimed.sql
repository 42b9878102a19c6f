-- Find which of these tasks are claimed for sending since exactly then: whether a claim went through whose commit got
-- no answer. Two claims of a task never share a microsecond of the database's clock.
-- Locks: these tasks, waiting for the claim itself, which the server may still be about to commit or to undo.
-- Again: finds the same tasks until an answer is recorded, or they are taken for orphans.
with settled as materialized (
    select
        id,
        status,
        claimed_at,
        grsai_task_id,
        unknown_since
    from video_tasks
    where id = any(%(ids)s::uuid[])
    order by id
    for share
)

select id
from settled
where claimed_at = %(claimed_at)s and status = 'processing' and grsai_task_id is null and unknown_since is null
