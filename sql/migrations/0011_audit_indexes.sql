-- migrate: outside a transaction, statement by statement
--
-- What lets an audit look at what moved lately instead of at all that ever was. No index here has a column that moves
-- with a poll, a counter or a try: a batch gets its entry when it ends, a row of the ledger when it is written.
--
-- The indexes are built while others read and write. A run that is interrupted leaves one behind that is not valid;
-- the next run drops it and goes on from there.

do $$
declare
    unfinished regclass;
begin
    for unfinished in
        select i.indexrelid from pg_index as i
        inner join pg_class as c on i.indexrelid = c.oid
        where
            i.indrelid in ('batch_jobs'::regclass, 'credit_ledger'::regclass)
            and not i.indisvalid
            and c.relname in ('batch_jobs_ended', 'idx_credit_ledger_user_id', 'credit_ledger_by_time')
    loop
        execute format('drop index %s', unfinished);
    end loop;
end $$;

-- Building waits for transactions that are older than the index, and holds up nobody while it waits.
set lock_timeout = '1min';

create index concurrently if not exists batch_jobs_ended on batch_jobs (completed_at) where completed_at is not null;

-- The original's database has this one, by the same name.
create index concurrently if not exists idx_credit_ledger_user_id on credit_ledger (user_id, created_at desc);

-- Rows are only ever added, so that a few bytes a megabyte say where the young ones are.
create index concurrently if not exists credit_ledger_by_time on credit_ledger using brin (created_at)
with (autosummarize = on);

reset lock_timeout;
