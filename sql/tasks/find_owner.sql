-- Find the task of a batch that a job of the provider serves.
-- Locks: nothing.
-- Again: finds it again.
select id from video_tasks
where grsai_task_id = %(provider_id)s and batch_job_id is not null
limit 1
