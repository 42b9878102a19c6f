-- migrate: outside a transaction, statement by statement
--
-- One task for each job of the provider, as in a fresh database.

set lock_timeout = '1min';

drop index concurrently if exists video_tasks_remote_id;

create unique index concurrently video_tasks_remote_id on video_tasks (grsai_task_id)
where grsai_task_id is not null and batch_job_id is not null;

reset lock_timeout;
