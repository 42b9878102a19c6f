-- The brake: a stage that is paused takes no new work, whoever runs it.

create table pauses (
    stage text primary key,
    paused_at timestamptz not null,
    os_user text not null,
    host text not null,
    reason text not null,
    resumed_at timestamptz,
    constraint pauses_stage check (stage in ('dispatch', 'poll', 'settle', 'webhook'))
);
comment on table pauses is
'A row for each stage that was ever paused, by whom, and why: its last pause, which lasts while resumed_at is null.';
comment on column pauses.resumed_at is
'What passed its deadline before then, for nobody worked on it, is tried once more before it fails.';

select batchctl_keep_private('pauses');
