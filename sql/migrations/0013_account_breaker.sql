-- Remembers across passes that the provider refuses our account, so that a later pass tries one task and not all.

create table account_breaker (
    provider_host text primary key,
    opened_at timestamptz not null,
    reason text not null,
    probe_at timestamptz not null,
    probe_count int not null default 0
);
comment on table account_breaker is
'A row for each provider that refuses our account; it goes with the first task that is judged by itself.';
comment on column account_breaker.probe_at is 'When one task may be tried; who moves it on tries it.';

select batchctl_keep_private('account_breaker');
