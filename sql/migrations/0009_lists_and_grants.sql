-- migrate: outside a transaction, statement by statement
--
-- What operators ask: the newest batches, in some states, of some customer; and grants of credits that are repeated
-- under one request id. Neither list has a column that moves while the state stays, so that polls and counters go on
-- touching no index.
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
            i.indrelid in ('batch_jobs'::regclass, 'batch_requests'::regclass, 'credit_ledger'::regclass)
            and not i.indisvalid
            and c.relname in (
                'idx_batch_jobs_status_created', 'batch_jobs_of_customer', 'batch_requests_of_batch',
                'credit_ledger_grant_once'
            )
    loop
        execute format('drop index %s', unfinished);
    end loop;
end $$;

-- Building waits for transactions that are older than the index, and holds up nobody while it waits.
set lock_timeout = '1min';

-- The original's database has this one, by the same name.
create index concurrently if not exists idx_batch_jobs_status_created on batch_jobs (status, created_at desc);

create index concurrently if not exists batch_jobs_of_customer on batch_jobs (user_id, status, created_at desc);

create index concurrently if not exists batch_requests_of_batch on batch_requests (batch_job_id);

-- A grant under a request id is given once, because the database says so.
create unique index concurrently if not exists credit_ledger_grant_once on credit_ledger (user_id, ref_id)
where ref_type = 'wallet_grant';

reset lock_timeout;
