-- Keeps who changed what by hand, when, why, and what came of it.

create table operator_actions (
    id uuid primary key,
    began_at timestamptz not null,
    ended_at timestamptz,
    os_user text not null,
    host text not null,
    command text not null,
    arguments jsonb not null default '{}',
    reason text,
    matched_count int not null default 0,
    changed_count int not null default 0,
    credits bigint not null default 0,
    outcome text not null default 'running',
    error text,
    constraint operator_actions_outcome check (outcome in ('running', 'done', 'failed', 'interrupted')),
    constraint operator_actions_end check ((ended_at is null) = (outcome = 'running'))
);
comment on table operator_actions is
'A row for each command that an operator changed something with; one that stays running was killed.';
comment on column operator_actions.arguments is 'What was said on the command line, without secrets.';
comment on column operator_actions.credits is 'What it moved, froze or will give back, in all.';

-- squawk-ignore require-concurrent-index-creation
create index operator_actions_began on operator_actions (began_at desc);

select batchctl_keep_private('operator_actions');
