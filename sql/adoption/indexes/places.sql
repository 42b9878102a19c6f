-- migrate: outside a transaction, statement by statement
--
-- Each place in a batch is taken once, as in a fresh database. The ordinary index works until the unique one is there.

set lock_timeout = '1min';

drop index concurrently if exists video_tasks_of_batch_new;

create unique index concurrently video_tasks_of_batch_new on video_tasks (batch_job_id, batch_index);

drop index concurrently if exists video_tasks_of_batch;

-- squawk-ignore renaming-object
alter index video_tasks_of_batch_new rename to video_tasks_of_batch;

reset lock_timeout;
