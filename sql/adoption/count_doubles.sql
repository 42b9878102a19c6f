-- Count old rows that break a unique index of a fresh database, by its name.
-- Locks: nothing.
-- Again: counts anew.
select d.kind, d.count
from (
    select 'video_tasks_remote_id' as kind, coalesce(sum(same.n - 1), 0)::bigint as count
    from (
        select count(*) as n from video_tasks
        where batch_job_id is not null and grsai_task_id is not null
        group by grsai_task_id
    ) as same
) as d
where d.count > 0
