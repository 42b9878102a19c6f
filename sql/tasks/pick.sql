-- Find the tasks of batches whose ids lie between two, to tell what the beginning of an id means.
-- Locks: nothing.
-- Again: finds them again.
select id from video_tasks
where id between %(first)s and %(last)s and batch_job_id is not null
order by id
limit %(task_limit)s
