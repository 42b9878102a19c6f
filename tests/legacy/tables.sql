-- The tables of the original worker as its last migration leaves them, and those beside them that must not be touched.

create function update_updated_at_column() returns trigger language plpgsql as $$
begin
    new.updated_at = now();
    return new;
end $$;

create table users (
    id uuid primary key default gen_random_uuid(),
    google_id text unique not null,
    email text unique not null,
    name text,
    avatar_url text,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    last_login_at timestamptz,
    status text default 'active' check (status in ('active', 'inactive', 'banned')),
    credits int not null default 0 check (credits >= 0)
);
create trigger update_users_updated_at before update on users
for each row execute function update_updated_at_column();

create table video_tasks (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references users (id) on delete cascade,
    grsai_task_id text,
    model text default 'sora-2',
    prompt text not null,
    reference_url text,
    aspect_ratio text default '9:16',
    duration int default 10,
    size text default 'small',
    status text default 'pending' check (status in ('pending', 'processing', 'succeeded', 'failed')),
    progress int default 0 check (progress >= 0 and progress <= 100),
    video_url text,
    pid text,
    failure_reason text,
    error_message text,
    webhook_url text,
    remove_watermark boolean default true,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    completed_at timestamptz,
    external_access_policy jsonb not null default
    '{"allow_share": true, "allow_embed": false, "allow_download": true, "embed_domains": [], "expires_at": null}'
);
create index idx_video_tasks_user_id on video_tasks (user_id);
create index idx_video_tasks_status on video_tasks (status);
create index idx_video_tasks_created_at on video_tasks (created_at desc);
create index idx_video_tasks_grsai_task_id on video_tasks (grsai_task_id);
create trigger update_video_tasks_updated_at before update on video_tasks
for each row execute function update_updated_at_column();
alter table video_tasks enable row level security;
create policy video_tasks_own on video_tasks
using (user_id::text = current_setting('request.jwt.claim.sub', true));

create table consumption_records (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references users (id) on delete cascade,
    video_task_id uuid references video_tasks (id) on delete set null,
    credits int not null check (credits > 0),
    status text not null default 'completed' check (status in ('completed', 'refunded')),
    created_at timestamptz default now()
);

create table credit_wallet (
    user_id uuid primary key references users (id) on delete cascade,
    permanent_credits int not null default 0 check (permanent_credits >= 0),
    bonus_credits int not null default 0 check (bonus_credits >= 0),
    bonus_expires_at timestamptz,
    starter_purchased_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create trigger update_credit_wallet_updated_at before update on credit_wallet
for each row execute function update_updated_at_column();

create table credit_ledger (
    id bigserial primary key,
    user_id uuid not null references users (id) on delete cascade,
    type text not null check (type in ('purchase', 'bonus_grant', 'spend', 'refund', 'adjust')),
    model text check (model is null or model in ('sora-2', 'veo-flash', 'veo-pro')),
    credits_delta int not null,
    ref_type text,
    ref_id text,
    meta jsonb,
    created_at timestamptz not null default now()
);
create index idx_credit_ledger_user_id on credit_ledger (user_id, created_at desc);

create table wallets (
    user_id uuid primary key references users (id) on delete cascade,
    balance bigint not null default 0 check (balance >= 0),
    updated_at timestamptz not null default now()
);
create table wallet_ledger (
    id bigserial primary key,
    user_id uuid not null references users (id) on delete cascade,
    amount bigint not null,
    request_id text unique
);

create table batch_jobs (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references users (id) on delete cascade,
    status text not null check (status in ('queued', 'processing', 'partial', 'completed', 'failed')),
    total_count int not null,
    success_count int not null default 0,
    failed_count int not null default 0,
    cost_per_video int not null,
    frozen_credits int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    completed_at timestamptz,
    credits_spent int not null default 0,
    settlement_status text not null default 'pending'
    check (settlement_status in ('pending', 'finalized', 'refunded')),
    webhook_url text,
    webhook_status text check (webhook_status in ('pending', 'sent', 'failed', 'retrying')),
    webhook_last_error text,
    webhook_attempts int not null default 0,
    webhook_last_sent_at timestamptz,
    enqueued_at timestamptz,
    request_id text,
    source text check (source in ('enterprise', 'consumer'))
);
create index idx_batch_jobs_user_id on batch_jobs (user_id);
create index idx_batch_jobs_status_created on batch_jobs (status, created_at desc);
create index idx_batch_jobs_webhook on batch_jobs (webhook_status) where webhook_url is not null;
create index idx_batch_jobs_enqueued_at on batch_jobs (enqueued_at) where enqueued_at is not null;
create index idx_batch_jobs_request_id on batch_jobs (request_id) where request_id is not null;

alter table video_tasks
add column batch_job_id uuid references batch_jobs (id),
add column batch_index int,
add column attempts int not null default 0,
add column last_error text,
add column next_retry_at timestamptz,
add column poll_count int not null default 0,
add column last_poll_at timestamptz,
add column failure_type text,
add column prompt_template_id uuid,
add column scene_id uuid,
add column variant_label text;
create index idx_video_tasks_next_retry on video_tasks (next_retry_at)
where next_retry_at is not null and status in ('queued', 'failed');
create index idx_video_tasks_poll_tracking on video_tasks (batch_job_id, status, poll_count, last_poll_at)
where status = 'processing' and grsai_task_id is not null;
create index idx_video_tasks_prompt_template on video_tasks (prompt_template_id);
create index idx_video_tasks_scene on video_tasks (scene_id);
