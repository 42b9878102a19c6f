-- migrate: outside a transaction, statement by statement
--
-- Events that wait for their endpoint to be enabled are found by index, whatever the history.
--
-- The index is built while others read and write. A run that is interrupted leaves one behind that is not valid;
-- the next run drops it and goes on from there.

do $$
declare
    unfinished regclass;
begin
    for unfinished in
        select i.indexrelid from pg_index as i
        inner join pg_class as c on i.indexrelid = c.oid
        where
            i.indrelid = 'webhook_deliveries'::regclass and not i.indisvalid
            and c.relname = 'webhook_deliveries_set_aside'
    loop
        execute format('drop index %s', unfinished);
    end loop;
end $$;

-- Building waits for transactions that are older than the index, and holds up nobody while it waits.
set lock_timeout = '1min';

create index concurrently if not exists webhook_deliveries_set_aside on webhook_deliveries (created_at, id)
where status = 'retrying' and next_attempt_at is null;

reset lock_timeout;
