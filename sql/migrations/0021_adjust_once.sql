-- migrate: outside a transaction, statement by statement
--
-- An adjustment of a wallet under a request id is made once, because the database says so.
--
-- The index is built while others read and write. A run that is interrupted leaves one behind that is not valid; the
-- next run drops it and goes on from there.

do $$
declare
    unfinished regclass;
begin
    for unfinished in
        select i.indexrelid from pg_index as i
        inner join pg_class as c on i.indexrelid = c.oid
        where
            i.indrelid = 'credit_ledger'::regclass
            and not i.indisvalid
            and c.relname = 'credit_ledger_adjust_once'
    loop
        execute format('drop index %s', unfinished);
    end loop;
end $$;

-- Building waits for transactions that are older than the index, and holds up nobody while it waits.
set lock_timeout = '1min';

create unique index concurrently if not exists credit_ledger_adjust_once on credit_ledger (user_id, ref_id)
where ref_type = 'wallet_adjust';

reset lock_timeout;
