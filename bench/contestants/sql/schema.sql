-- The tables of an application that sells clips, as small as they can be.
create table wallets (
    user_id int primary key,
    credits bigint not null check (credits >= 0)
);

create table batches (
    id int primary key,
    user_id int not null references wallets,
    total_count int not null,
    open_count int not null,
    success_count int not null default 0,
    failed_count int not null default 0,
    price bigint not null,
    frozen_credits bigint not null,
    credits_spent bigint,
    status text not null default 'processing',
    completed_at timestamptz,
    announced_at timestamptz
);

create table ledger (
    id bigint generated always as identity primary key,
    user_id int not null references wallets,
    batch_id int not null references batches,
    type text not null,
    credits_delta bigint not null,
    created_at timestamptz not null default now(),
    unique (batch_id, type)
);

create table tasks (
    id int primary key,
    batch_id int not null references batches,
    batch_index int not null,
    prompt text not null,
    status text not null default 'pending',
    remote_id text,
    poll_count int not null default 0,
    polled_at timestamptz,
    video_url text,
    error text,
    completed_at timestamptz
);

create index tasks_of_batch on tasks (batch_id);
