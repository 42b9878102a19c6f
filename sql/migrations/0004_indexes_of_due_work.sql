-- migrate: outside a transaction, statement by statement
--
-- What is due is found by index, whatever the history: each index below holds only live rows, and none has a column
-- that moves with a poll or with a counter, so that those updates touch no index at all.
--
-- The indexes are built while others read and write. A run that is interrupted leaves one behind that is not valid;
-- the next run drops it and goes on from there.

do $$
declare
    unfinished regclass;
begin
    for unfinished in
        select i.indexrelid from pg_index as i
        inner join pg_class as c on i.indexrelid = c.oid
        where
            i.indrelid in ('batch_jobs'::regclass, 'video_tasks'::regclass, 'credit_ledger'::regclass)
            and not i.indisvalid
            and c.relname in (
                'batch_jobs_due_by_customer', 'batch_jobs_due_by_age', 'batch_jobs_held', 'video_tasks_of_batch',
                'video_tasks_pending', 'video_tasks_deferred', 'video_tasks_unsent', 'video_tasks_held',
                'idx_video_tasks_poll_tracking', 'credit_ledger_batch_once'
            )
    loop
        execute format('drop index %s', unfinished);
    end loop;
end $$;

-- Building waits for transactions that are older than the index, and holds up nobody while it waits.
set lock_timeout = '1min';

create index concurrently if not exists batch_jobs_due_by_customer on batch_jobs (next_step, user_id, created_at, id)
where next_step in ('claim', 'start', 'poll');

create index concurrently if not exists batch_jobs_due_by_age on batch_jobs (next_step, created_at, id)
where next_step in ('refuse', 'fill', 'settle', 'close', 'adopt');

create index concurrently if not exists batch_jobs_held on batch_jobs (id) where hold_reason is not null;

create index concurrently if not exists video_tasks_of_batch on video_tasks (batch_job_id, batch_index);

create index concurrently if not exists video_tasks_pending on video_tasks (batch_job_id, next_retry_at, batch_index)
where status in ('pending', 'queued') and batch_job_id is not null and hold_reason is null;

create index concurrently if not exists video_tasks_deferred on video_tasks (first_attempt_at)
where status in ('pending', 'queued') and first_attempt_at is not null
and batch_job_id is not null and hold_reason is null;

create index concurrently if not exists video_tasks_unsent on video_tasks (claimed_at)
where status = 'processing' and grsai_task_id is null and batch_job_id is not null and hold_reason is null;

create index concurrently if not exists video_tasks_held on video_tasks (status, id) where hold_reason is not null;

-- The original's index of this name holds poll_count and last_poll_at, which every poll moves. An adopted database
-- keeps it until adoption is applied; a fresh one gets the same set of rows under a key that stands still.
create index concurrently if not exists idx_video_tasks_poll_tracking on video_tasks (batch_job_id)
where status = 'processing' and grsai_task_id is not null and hold_reason is null;

-- One freeze and one refund for each batch and bucket, whoever writes them: money moves once because the database says
-- so. Rows older than the column have no bucket, are all distinct here, and are found by it all the same.
create unique index concurrently if not exists credit_ledger_batch_once on credit_ledger (ref_id, ref_type, bucket)
where ref_type in ('batch_upfront', 'batch_refund');

reset lock_timeout;
