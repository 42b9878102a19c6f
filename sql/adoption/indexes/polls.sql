-- migrate: outside a transaction, statement by statement
--
-- The original's index of tasks at the provider holds what every poll moves. The one that takes its place holds the
-- same tasks under a key that stands still. The old one works until the new one is there.

set lock_timeout = '1min';

drop index concurrently if exists video_tasks_polled_new;

create index concurrently video_tasks_polled_new on video_tasks (batch_job_id)
where status = 'processing' and grsai_task_id is not null and hold_reason is null;

drop index concurrently if exists idx_video_tasks_poll_tracking;

-- squawk-ignore renaming-object
alter index video_tasks_polled_new rename to idx_video_tasks_poll_tracking;

reset lock_timeout;
