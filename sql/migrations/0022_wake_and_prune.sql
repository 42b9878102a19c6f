-- Wakes workers when a batch is due, names the pass of a run, remembers how far history was pruned, and takes for a
-- worker whoever may write columns of runs, not only who may write the whole table.

-- A batch is news when all of its tasks are there, which may be long after its own row, and when an operator releases
-- it. Only the first of a queue is news: who works the queue off finds the others. So a burst of batches takes the lock
-- under which PostgreSQL commits notifications, one transaction at a time in the whole server, once and not each time.
create function batchctl_announce_batch() returns trigger
language plpgsql security definer set search_path from current as $$
begin
    if not exists (select from batch_jobs as b where b.next_step = 'claim' and b.id <> new.id) then
        notify batchctl_batch;
    end if;
    return null;
end $$;

revoke execute on function batchctl_announce_batch() from public;
do $$
declare
    outsider name;
begin
    for outsider in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        execute format('revoke execute on function batchctl_announce_batch() from %I', outsider);
    end loop;
end $$;

create trigger batchctl_announce_batch after update on batch_jobs
for each row when (new.next_step = 'claim' and old.next_step is distinct from 'claim')
execute function batchctl_announce_batch();

alter table runs add column pass_id uuid;
comment on column runs.pass_id is 'What the lines of the log carry; null where the pass is older than this column.';

create table pruned_history (
    singleton boolean primary key default true check (singleton),
    ended_before timestamptz not null,
    pruned_at timestamptz not null
);
comment on table pruned_history is
'Events of batches that ended before then may be gone: batchctl prune deleted those that were delivered or given up.';

select batchctl_keep_private('pruned_history');

-- As before, but for the question: batch_worker may write each column of runs and not the table as a whole.
create or replace function batchctl_keep_provider_host() returns trigger
language plpgsql set search_path from current as $$
begin
    -- The rights of whoever writes, for the function has no others: only workers may insert here.
    if not has_any_column_privilege('runs', 'insert') then
        new.provider_host := case when tg_op = 'UPDATE' then old.provider_host end;
    end if;
    return new;
end $$;
