-- migrate: outside a transaction, statement by statement
--
-- What operators count: the tasks that ended in a window of time, whatever the history. The index gets one entry for a
-- task, at the end of its life, when all its indexes get one anyway; polls touch it no more than before. Ends come in
-- order of time, so that it grows at its right edge. Tasks that do not say when they ended, as the original worker left
-- some, stand together under null.
--
-- It is built while others read and write. A run that is interrupted leaves one behind that is not valid; the next run
-- drops it and goes on from there.

do $$
declare
    unfinished regclass;
begin
    for unfinished in
        select i.indexrelid from pg_index as i
        inner join pg_class as c on i.indexrelid = c.oid
        where i.indrelid = 'video_tasks'::regclass and not i.indisvalid and c.relname = 'video_tasks_finished'
    loop
        execute format('drop index %s', unfinished);
    end loop;
end $$;

-- Building waits for transactions that are older than the index, and holds up nobody while it waits.
set lock_timeout = '1min';

create index concurrently if not exists video_tasks_finished on video_tasks (completed_at)
where status in ('succeeded', 'failed') and batch_job_id is not null;

reset lock_timeout;
