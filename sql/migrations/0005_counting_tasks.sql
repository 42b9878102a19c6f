-- The counters of a batch follow its tasks, whoever writes them: one statement-level trigger for each kind of change.
-- It locks the batches that changed in the order of their ids, so that two writers cannot wait for each other. It has
-- the rights of its owner: who may write a task may not always write its batch.

create or replace function batchctl_refuse(what text) returns void
language plpgsql security definer set search_path from current as $$
begin
    if exists (select from adoption where applied_at is null) then
        raise warning '%', what;
    else
        raise exception using errcode = 'integrity_constraint_violation', message = what;
    end if;
end $$;
comment on function batchctl_refuse(text) is
'Refuses what a guard found; on an adopted database it warns until adoption is applied.';

-- squawk-ignore ban-char-field
create or replace function batchctl_count_tasks() returns trigger
language plpgsql security definer set search_path from current as $$
declare
    ids uuid[];
    added int[];
    pending int[];
    in_flight int[];
    succeeded int[];
    failed int[];
begin
    if tg_op = 'INSERT' then
        select array_agg(batch_job_id), array_agg(n), array_agg(p), array_agg(f), array_agg(s), array_agg(x)
        into ids, added, pending, in_flight, succeeded, failed
        from (
            select
                batch_job_id,
                count(*) as n,
                count(*) filter (where status in ('pending', 'queued')) as p,
                count(*) filter (where status = 'processing') as f,
                count(*) filter (where status = 'succeeded') as s,
                count(*) filter (where status = 'failed') as x
            from new_rows
            where batch_job_id is not null
            group by batch_job_id
        ) as change;
    elsif tg_op = 'DELETE' then
        select array_agg(batch_job_id), array_agg(-n), array_agg(-p), array_agg(-f), array_agg(-s), array_agg(-x)
        into ids, added, pending, in_flight, succeeded, failed
        from (
            select
                batch_job_id,
                count(*) as n,
                count(*) filter (where status in ('pending', 'queued')) as p,
                count(*) filter (where status = 'processing') as f,
                count(*) filter (where status = 'succeeded') as s,
                count(*) filter (where status = 'failed') as x
            from old_rows
            where batch_job_id is not null
            group by batch_job_id
        ) as change;
    else
        select array_agg(batch_job_id), array_agg(n), array_agg(p), array_agg(f), array_agg(s), array_agg(x)
        into ids, added, pending, in_flight, succeeded, failed
        from (
            select
                m.batch_job_id,
                sum(m.one) as n,
                sum(m.one) filter (where m.status in ('pending', 'queued')) as p,
                sum(m.one) filter (where m.status = 'processing') as f,
                sum(m.one) filter (where m.status = 'succeeded') as s,
                sum(m.one) filter (where m.status = 'failed') as x
            from old_rows as o
            inner join new_rows as n on o.id = n.id
            cross join lateral (
                values (o.batch_job_id, o.status, -1), (n.batch_job_id, n.status, 1)
            ) as m (batch_job_id, status, one)
            where (o.status, o.batch_job_id) is distinct from (n.status, n.batch_job_id) and m.batch_job_id is not null
            group by m.batch_job_id
        ) as change;
    end if;
    if ids is null then
        return null;
    end if;
    perform from batch_jobs where id = any(ids) order by id for no key update;
    if exists (
        select from batch_jobs as b
        inner join unnest(ids, added) as c (id, n) on b.id = c.id
        where
            c.n > 0 and not (b.status = 'queued' or (b.status = 'failed' and b.settlement_status = 'pending'))
            and (b.status <> 'processing' or b.task_count + c.n > b.total_count)
    ) then
        perform batchctl_refuse('a batch that was claimed takes no more tasks than it was to have: enqueue a new one');
    end if;
    update batch_jobs as b
    set
        task_count = b.task_count + coalesce(c.n, 0),
        tasks_pending = b.tasks_pending + coalesce(c.p, 0),
        tasks_in_flight = b.tasks_in_flight + coalesce(c.f, 0),
        tasks_succeeded = b.tasks_succeeded + coalesce(c.s, 0),
        tasks_failed = b.tasks_failed + coalesce(c.x, 0)
    from unnest(ids, added, pending, in_flight, succeeded, failed) as c (id, n, p, f, s, x)
    where b.id = c.id and b.id = any(ids);
    return null;
end $$;

-- Nobody writes a task between the count of what is there and the first count by trigger.
lock table video_tasks in share row exclusive mode;

update batch_jobs as b
set
    task_count = c.n,
    tasks_pending = c.p,
    tasks_in_flight = c.f,
    tasks_succeeded = c.s,
    tasks_failed = c.x
from (
    select
        t.batch_job_id,
        count(*) as n,
        count(*) filter (where t.status in ('pending', 'queued')) as p,
        count(*) filter (where t.status = 'processing') as f,
        count(*) filter (where t.status = 'succeeded') as s,
        count(*) filter (where t.status = 'failed') as x
    from video_tasks as t
    inner join batch_jobs as o on t.batch_job_id = o.id
    where o.status in ('queued', 'processing') or (o.status = 'failed' and o.settlement_status = 'pending')
    group by t.batch_job_id
) as c
where b.id = c.batch_job_id;

create or replace trigger batchctl_count_inserted after insert on video_tasks
referencing new table as new_rows
for each statement execute function batchctl_count_tasks();

create or replace trigger batchctl_count_updated after update on video_tasks
referencing old table as old_rows new table as new_rows
for each statement execute function batchctl_count_tasks();

create or replace trigger batchctl_count_deleted after delete on video_tasks
referencing old table as old_rows
for each statement execute function batchctl_count_tasks();
