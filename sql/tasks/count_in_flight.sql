-- Count the tasks of batches that are in flight at the provider: claimed, sent and in doubt, on hold or not.
-- Locks: nothing (the caller holds the advisory lock on places).
-- Again: counts anew.
select
    (
        select count(*) from video_tasks
        where status = 'processing' and grsai_task_id is not null and hold_reason is null and batch_job_id is not null
    )
    + (
        select count(*) from video_tasks
        where status = 'processing' and grsai_task_id is null and hold_reason is null and batch_job_id is not null
    )
    + (
        select count(*) from video_tasks
        where status = 'processing' and hold_reason is not null and batch_job_id is not null
    ) as count
