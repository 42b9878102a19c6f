-- Lock a task of a batch, to decide about it.
-- Locks: this task, waiting for whoever works on it.
-- Again: holds it already.
select id from video_tasks
where id = %(task_id)s and batch_job_id is not null
for no key update
