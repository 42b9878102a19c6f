-- The life of a batch, told once.
--
-- An application inserts a row of batch_jobs (queued) and its rows of video_tasks (pending). batchctl claims the batch
-- and freezes its credits (queued -> processing), or refuses it (-> failed, nothing frozen). Each task is claimed for
-- sending (pending -> processing), gets the provider's id, is polled, and ends succeeded or failed. When no task of a
-- batch is open, the batch is settled once: what succeeded is charged, the rest goes back, and the event for the
-- customer is written in the same transaction.
--
-- Every statement here works on an empty database and on that of the original worker, whose tables and rows stay as
-- they are: only what is missing is added, with constant defaults.

create table adoption (
    singleton boolean primary key default true check (singleton),
    adopted_at timestamptz not null default now(),
    applied_at timestamptz
);
comment on table adoption is
'One row if the tables were made by the original worker. Until applied_at is set the guards warn instead of refusing.';

insert into adoption (singleton)
select true
where to_regclass('batch_jobs') is not null or to_regclass('video_tasks') is not null;

-- The original's platform serves every table of its schema to the world, as far as these two roles have rights, and may
-- give them all rights on each new table. Ours are nobody's business but the worker's.
create function batchctl_keep_private(variadic private_tables regclass[]) returns void
language plpgsql set search_path from current as $$
declare
    outsider name;
    private_table regclass;
begin
    for outsider in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        foreach private_table in array private_tables loop
            execute format('revoke all on %s from %I', private_table, outsider);
        end loop;
    end loop;
end $$;
comment on function batchctl_keep_private(regclass[]) is
'Takes back what default privileges gave on new tables to the roles with which the world may come.';

create table if not exists batch_jobs (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    status text not null default 'queued'
    check (status in ('queued', 'processing', 'completed', 'partial', 'failed')),
    total_count int,
    cost_per_video bigint,
    created_at timestamptz not null default now(),
    enqueued_at timestamptz,
    webhook_url text,
    -- From here on the columns that move while the batch lives, side by side: an update's log record stays short.
    success_count int not null default 0,
    failed_count int not null default 0,
    frozen_credits bigint not null default 0,
    credits_spent bigint not null default 0,
    settlement_status text not null default 'pending'
    check (settlement_status in ('pending', 'finalized', 'refunded')),
    webhook_status text check (webhook_status in ('pending', 'sent', 'failed', 'retrying')),
    webhook_attempts int not null default 0,
    webhook_last_error text,
    webhook_last_sent_at timestamptz,
    last_error text,
    updated_at timestamptz not null default now(),
    completed_at timestamptz
);

alter table batch_jobs
add column if not exists enqueued_at timestamptz,
add column if not exists last_error text,
add column if not exists hold_reason text,
add column if not exists task_count int not null default 0,
add column if not exists tasks_pending int not null default 0,
add column if not exists tasks_in_flight int not null default 0,
add column if not exists tasks_succeeded int not null default 0,
add column if not exists tasks_failed int not null default 0;

comment on column batch_jobs.hold_reason is 'Set: no stage touches the batch until an operator releases it.';
comment on column batch_jobs.task_count is 'Rows of video_tasks; kept by the trigger batchctl_count_tasks.';
comment on column batch_jobs.tasks_pending is 'Tasks waiting to be sent; kept by the trigger.';
comment on column batch_jobs.tasks_in_flight is 'Tasks in processing, those in doubt included; kept by the trigger.';
comment on column batch_jobs.tasks_succeeded is 'Tasks that succeeded; kept by the trigger.';
comment on column batch_jobs.tasks_failed is 'Tasks that failed; kept by the trigger.';

-- What the batch waits for, derived from its row: the one column that all indexes of due work use. It changes a few
-- times in a batch's life, while the counters above change with each group of results; so those updates stay heap-only.
-- Where batches exist already the table is written anew under its lock, 5 seconds for a million of them, measured.
-- A batch that is paid for when it is not yet claimed, or not when it is, or finished no further than its settlement,
-- was left so by the original worker, or is in its hands at this moment: `adopt` is the step for those.
alter table batch_jobs
-- squawk-ignore adding-field-with-default
add column if not exists next_step text generated always as (
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
'close: failed, its tasks are still to be failed; adopt: in a state of the original worker; null: nothing to do.';

create table if not exists video_tasks (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    batch_job_id uuid references batch_jobs (id),
    batch_index int,
    created_at timestamptz not null default now(),
    duration int,
    model text default 'sora-2',
    prompt text,
    reference_url text,
    aspect_ratio text,
    size text,
    meta jsonb,
    video_url text,
    error_message text,
    failure_reason text,
    failure_type text,
    completed_at timestamptz,
    -- From here on the columns that move with every submission and poll, side by side for the same reason as above.
    status text not null default 'pending'
    check (status in ('pending', 'queued', 'processing', 'succeeded', 'failed')),
    grsai_task_id text,
    last_error text,
    attempts int not null default 0,
    next_retry_at timestamptz,
    progress int check (progress between 0 and 100),
    poll_count int not null default 0,
    last_poll_at timestamptz,
    updated_at timestamptz not null default now()
);

alter table video_tasks
add column if not exists meta jsonb,
add column if not exists last_error text,
add column if not exists attempts int not null default 0,
add column if not exists next_retry_at timestamptz,
add column if not exists poll_count int not null default 0,
add column if not exists last_poll_at timestamptz,
add column if not exists failure_type text,
add column if not exists next_poll_at timestamptz,
add column if not exists poll_errors int not null default 0,
add column if not exists submit_errors int not null default 0,
add column if not exists submit_defers int not null default 0,
add column if not exists resubmits int not null default 0,
add column if not exists first_attempt_at timestamptz,
add column if not exists claimed_at timestamptz,
add column if not exists unknown_since timestamptz,
add column if not exists blocked_by text,
add column if not exists provider_host text,
add column if not exists video_url_seen_at timestamptz,
add column if not exists hold_reason text;

comment on column video_tasks.next_poll_at is 'When the task may be asked next, null = now. The only clock of polling.';
comment on column video_tasks.attempts is 'Every submission tried; also the fencing token of the claim for sending.';
comment on column video_tasks.submit_errors is 'Answers 500, 502, 503 to it; limited by BATCH_MAX_SUBMIT_ATTEMPTS.';
comment on column video_tasks.submit_defers is 'Submissions surely not accepted; chooses the step of the wait.';
comment on column video_tasks.resubmits is 'Repeated after an unknown outcome (policy resubmit: once at most).';
comment on column video_tasks.first_attempt_at is
'First claim for sending, or first poll of what another worker sent; BATCH_TASK_DEADLINE_SECONDS counts from here.';
comment on column video_tasks.claimed_at is 'Last claim for sending; without a provider id it grows into an orphan.';
comment on column video_tasks.unknown_since is 'Since when nobody knows whether the provider accepted it.';
comment on column video_tasks.blocked_by is 'The failure type if it never gets through; set while it is deferred.';
comment on column video_tasks.provider_host is 'Where it was submitted; polled there whatever GRSAI_HOST says now.';
comment on column video_tasks.video_url_seen_at is 'When the link was received; the provider keeps it about 2 hours.';
comment on column video_tasks.hold_reason is 'Set: no stage touches the task until an operator releases it.';

-- Half of each page stays free, so that the new version of a row lands on the old one's page and no index is touched.
alter table batch_jobs set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
alter table video_tasks set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

create table batch_requests (
    user_id uuid not null,
    request_id text not null,
    batch_job_id uuid not null references batch_jobs (id) on delete cascade,
    created_at timestamptz not null default now(),
    primary key (user_id, request_id)
);
comment on table batch_requests is 'The idempotency keys under which customers enqueued batches.';

select batchctl_keep_private('batchctl_migrations', 'adoption', 'batch_requests');
