-- migrate: outside a transaction, statement by statement
--
-- Events and tries are found by their time by index, whatever the history.
--
-- The indexes are built while others read and write. A run that is interrupted leaves one behind that is not valid; the
-- next run drops it and goes on from there.

do $$
declare
    unfinished regclass;
begin
    for unfinished in
        select i.indexrelid from pg_index as i
        inner join pg_class as c on i.indexrelid = c.oid
        where
            i.indrelid in ('webhook_deliveries'::regclass, 'delivery_attempts'::regclass) and not i.indisvalid
            and c.relname in ('webhook_deliveries_written', 'delivery_attempts_started')
    loop
        execute format('drop index %s', unfinished);
    end loop;
end $$;

-- Building waits for transactions that are older than the index, and holds up nobody while it waits.
set lock_timeout = '1min';

create index concurrently if not exists webhook_deliveries_written on webhook_deliveries (status, created_at, id);

create index concurrently if not exists delivery_attempts_started on delivery_attempts (started_at);

reset lock_timeout;
