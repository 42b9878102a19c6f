-- Every pass that did something, for operators: when, where, and its report.

create table if not exists runs (
    id bigint generated always as identity primary key,
    started_at timestamptz not null,
    duration_ms bigint not null,
    host text not null,
    process_id int not null,
    exit_code int not null,
    report jsonb not null
);
comment on table runs is 'One row a pass with work; report is what run-once --json prints for that pass.';

select batchctl_keep_private('runs');
