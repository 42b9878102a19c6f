-- The outbox: what customers are to be told, written in the transaction that made it true, and every try to tell them.

create table webhook_deliveries (
    id uuid primary key default gen_random_uuid(),
    batch_job_id uuid not null references batch_jobs (id) on delete cascade,
    event_type text not null,
    url text not null,
    body text not null,
    created_at timestamptz not null default now(),
    status text not null default 'pending' check (status in ('pending', 'sent', 'failed', 'retrying')),
    attempts int not null default 0,
    next_attempt_at timestamptz,
    last_status_code int,
    last_error text,
    delivered_at timestamptz,
    unique (batch_job_id, event_type)
);
comment on table webhook_deliveries is 'One row an event; its id is the webhook-id, the same in every try and resend.';
comment on column webhook_deliveries.body is 'The exact text that is signed and sent.';
comment on column webhook_deliveries.next_attempt_at is 'When it is due; during a try, when that is given up.';
alter table webhook_deliveries set (fillfactor = 70);

-- squawk-ignore require-concurrent-index-creation
create index webhook_deliveries_due on webhook_deliveries (next_attempt_at, id)
where status in ('pending', 'retrying') and next_attempt_at is not null;

create table delivery_attempts (
    delivery_id uuid not null references webhook_deliveries (id) on delete cascade,
    attempt int not null,
    started_at timestamptz not null,
    duration_ms int,
    status_code int,
    error text,
    primary key (delivery_id, attempt)
);
comment on table delivery_attempts is 'Every try. Without a duration: under way, or its worker died with it.';

create table late_results (
    task_id uuid primary key references video_tasks (id) on delete cascade,
    grsai_task_id text not null,
    video_url text,
    seen_at timestamptz not null
);
comment on table late_results is 'What the provider delivered after the task had been failed; never charged.';

create table late_looks (
    task_id uuid primary key references video_tasks (id) on delete cascade,
    next_look_at timestamptz not null,
    until timestamptz not null
);

-- The table is new and empty, so that nobody waits.
-- squawk-ignore require-concurrent-index-creation
create index late_looks_due on late_looks (next_look_at);
comment on table late_looks is 'Tasks failed by a limit, looked at again for a while in case a result comes late.';

select batchctl_keep_private('webhook_deliveries', 'delivery_attempts', 'late_results', 'late_looks');

-- A function of this name that is there already stays as it is: it may know secrets.
do $$
begin
    if to_regprocedure('get_enterprise_webhook_for_batch(uuid)') is null then
        create function get_enterprise_webhook_for_batch(p_batch_id uuid) returns table (url text, secret text)
        language sql stable set search_path from current as $function$
            select b.webhook_url, null::text from batch_jobs as b where b.id = p_batch_id
        $function$;
        comment on function get_enterprise_webhook_for_batch(uuid) is
        'Where a batch''s customer wants to be told and with which secret; null: then ENTERPRISE_WEBHOOK_SECRET.';
    end if;
end $$;
