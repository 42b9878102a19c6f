-- Batches can be cancelled, and their failed tasks tried again in another batch.
--
-- A batch that is cancelled waits for its pending tasks to be failed (`close`), no longer for them to be sent: so says
-- next_step, by which every worker finds its work, one of an earlier version too. All else follows from that column,
-- and so it is derived anew: the table is written anew under its lock, 5 seconds for a million batches, measured.

alter table video_tasks add column retry_of uuid;
comment on column video_tasks.retry_of is 'The failed task that this one repeats.';

alter table batch_jobs
add column cancelled_at timestamptz,
add column retry_of uuid;
comment on column batch_jobs.cancelled_at is 'Set: nothing of it is sent any more; what was sent is let finish.';
comment on column batch_jobs.retry_of is 'The batch whose failed tasks this one repeats.';

alter table batch_jobs
-- squawk-ignore ban-drop-column
drop column next_step,
-- squawk-ignore adding-field-with-default
add column next_step text generated always as (
    case
        when hold_reason is not null then null
        when status = 'queued' and frozen_credits <> 0 then 'adopt'
        when status = 'queued' and coalesce(total_count, 0) <= 0 then 'refuse'
        when status = 'queued' and coalesce(cost_per_video, -1) < 0 then 'refuse'
        when status = 'queued' and task_count > total_count then 'refuse'
        when status = 'queued' and task_count < total_count then 'fill'
        when status = 'queued' then 'claim'
        when status = 'processing' and settlement_status <> 'pending' then 'adopt'
        when status = 'processing' and frozen_credits = 0 and total_count > 0 and cost_per_video > 0 then 'adopt'
        when status = 'processing' and tasks_pending > 0 and cancelled_at is not null then 'close'
        when status = 'processing' and tasks_pending > 0 then 'start'
        when status = 'processing' and tasks_in_flight > 0 then 'poll'
        when status = 'processing' and tasks_succeeded + tasks_failed < task_count then 'adopt'
        when status = 'processing' then 'settle'
        when status <> 'failed' or settlement_status <> 'pending' then null
        when tasks_pending > 0 then 'close'
        when frozen_credits <= 0 then null
        when tasks_in_flight > 0 then 'poll'
        else 'settle'
    end
) stored;
comment on column batch_jobs.next_step is
'refuse: malformed; fill: tasks are missing; claim; start: has pending tasks; poll: all sent; settle: all finished; '
'close: failed or cancelled, its tasks are still to be failed; adopt: in a state of the original worker; '
'null: nothing to do.';

-- The indexes of due work went with the column.
-- squawk-ignore require-concurrent-index-creation
create index batch_jobs_due_by_customer on batch_jobs (next_step, user_id, created_at, id)
where next_step in ('claim', 'start', 'poll');

-- squawk-ignore require-concurrent-index-creation
create index batch_jobs_due_by_age on batch_jobs (next_step, created_at, id)
where next_step in ('refuse', 'fill', 'settle', 'close', 'adopt');

-- squawk-ignore require-concurrent-index-creation
create index batch_jobs_retries on batch_jobs (retry_of)
where retry_of is not null;
